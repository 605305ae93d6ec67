package session

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// What we chose; the specification sets none of it.
const (
	// MaxActive is how many sessions can be active at once.
	MaxActive = 64

	maxHalfOpen          = 16
	maxHalfOpenPerSource = 4
	halfOpenLife         = 10 * time.Second
	closingLife          = 2 * time.Second // a repeated Close Session is answered that long
)

// errEnded means that the slot of a session may belong to another one by now.
var errEnded = errors.New("it has ended")

// ErrDuplicate means that an authentic packet has a sequence number that was
// seen before. It must not be acted on again.
var ErrDuplicate = errors.New("duplicate packet")

// A Config is what a [Table] needs to know of its BMC.
type Config struct {
	Users   []User
	Kg      func() []byte // returns nothing where no Kg is set
	GUID    [16]byte
	Suites  []rmcp.Suite  // offered, weakest first
	Timeout time.Duration // of a session without a packet (IPMI 2.0 §6.12.15)
	Random  io.Reader
	Log     *slog.Logger
}

// A Table holds the sessions of one BMC.
type Table struct {
	Config
	slots [MaxActive + maxHalfOpen]*Session
	file  *file
	plain []byte // scratch of Receive
}

// NewTable returns the table that the file in dir holds, without the sessions
// that have ended, that are torn, or whose user has changed since. The file is
// locked: a second table of the same directory is refused with ErrLocked.
func NewTable(dir string, c Config, now time.Duration) (*Table, error) {
	t := &Table{Config: c}
	f, err := openFile(dir, c.Random)
	if err != nil {
		return nil, err
	}
	t.file = f
	if f.reset != "" {
		c.Log.Warn("session file dropped: " + f.reset)
	}
	err = f.records(func(slot int, record []byte) {
		s, err := t.decode(slot, record, now)
		if err != nil {
			c.Log.Warn("session dropped", "slot", slot, "reason", err)
			t.drop(slot)
			return
		}
		t.slots[slot] = s
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return t, nil
}

// Close closes the file; the sessions stay in it.
func (t *Table) Close() error { return t.file.Close() }

// All yields the active sessions in the order of their handles.
func (t *Table) All(now time.Duration) iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		for _, s := range t.live(now) {
			if s.state == active && !yield(s) {
				return
			}
		}
	}
}

// HalfOpen tells whether a key exchange is under way.
func (t *Table) HalfOpen(now time.Duration) bool {
	for _, s := range t.live(now) {
		if s.halfOpen() {
			return true
		}
	}
	return false
}

// live drops the sessions that have expired and returns the others.
func (t *Table) live(now time.Duration) []*Session {
	var all []*Session
	for slot, s := range t.slots {
		switch {
		case s == nil:
		case now < s.expires(t.Timeout):
			all = append(all, s)
		default:
			t.logExpired(s)
			t.drop(slot)
		}
	}
	return all
}

// logExpired tells an operator why a session went away. A console that has the
// wrong password sees so in RAKP Message 2 and, more often than not, is silent
// from then on.
func (t *Table) logExpired(s *Session) {
	switch {
	case s.state == active:
		t.Log.Info("session timed out", "session", s, "user", s.name, "peer", s.Peer)
	case s.state == keyed && s.user != nil:
		t.Log.Warn("session not opened: no RAKP Message 3 came: wrong password?", "user", s.name, "peer", s.Peer)
	}
}

// find returns the session with that ID if it has not expired.
func (t *Table) find(id uint32, now time.Duration) *Session {
	for _, s := range t.slots {
		if s != nil && s.managedID == id && now < s.expires(t.Timeout) {
			return s
		}
	}
	return nil
}

// Find returns the session with that ID, which is active or closing, or nil.
func (t *Table) Find(id uint32, now time.Duration) *Session {
	if s := t.find(id, now); s != nil && !s.halfOpen() {
		return s
	}
	return nil
}

// Active is how many sessions are active.
func (t *Table) Active(now time.Duration) int {
	n := 0
	for _, s := range t.slots {
		if s != nil && s.state == active && now < s.expires(t.Timeout) {
			n++
		}
	}
	return n
}

// End ends an active session. For a moment it goes on answering a repeated
// Close Session, should the first answer be lost.
func (t *Table) End(s *Session, now time.Duration) error {
	changed := *s
	changed.state, changed.touched = closing, now
	return t.commit(s, changed)
}

// SetPrivilege changes the present privilege level of a session.
func (t *Table) SetPrivilege(s *Session, level rmcp.Privilege) error {
	changed := *s
	changed.Privilege = level
	return t.commit(s, changed)
}

// drop forgets the session of a slot. A record that cannot be erased is one
// that expires.
func (t *Table) drop(slot int) {
	t.slots[slot] = nil
	if err := t.file.write(slot, blank[:]); err != nil {
		t.Log.Error("session not erased", "slot", slot, "err", err)
	}
}

// save writes the session to the file, unless it has ended.
func (t *Table) save(s *Session) error {
	err := errEnded
	if held := t.slots[s.slot]; held != nil && held.managedID == s.managedID {
		err = t.file.write(s.slot, t.encode(s))
	}
	if err != nil {
		return fmt.Errorf("save session %v: %w", s, err)
	}
	return nil
}

// commit changes a session once the file has the change.
func (t *Table) commit(s *Session, changed Session) error {
	if err := t.save(&changed); err != nil {
		return err
	}
	*s = changed
	return nil
}

// Receive checks an authenticated packet: the session it names, its
// authentication code, then its sequence number; then it decrypts the payload,
// which stays valid until the next call. All of it is saved, with a sequence
// number for one answer, before Receive returns.
//
// ErrDuplicate comes with the session; every other error means that nothing may
// be answered.
func (t *Table) Receive(p rmcp.Packet, peer netip.AddrPort, now time.Duration) (*Session, []byte, error) {
	s := t.find(p.SessionID, now)
	if s == nil || s.halfOpen() {
		return nil, nil, errAuth
	}
	if err := s.cipher().authenticate(p); err != nil {
		return nil, nil, err
	}
	changed := *s
	if !changed.received.accept(p.Sequence) {
		return s, nil, ErrDuplicate
	}
	plain, err := s.cipher().decrypt(t.plain[:0], p.Payload)
	if err != nil {
		return nil, nil, err
	}
	t.plain = plain

	changed.Peer, changed.confirmed = peer, true
	if s.state == active {
		changed.touched = now
	}
	if s.reserved == s.sent {
		changed.reserved = next(s.sent)
	}
	if err := t.commit(s, changed); err != nil {
		t.Log.Error("packet dropped", "err", err)
		return nil, nil, err
	}
	return s, plain, nil
}

// Seal appends the datagram that carries an IPMI payload to the console, under
// the next sequence number, which is saved first unless Receive reserved it.
func (t *Table) Seal(b []byte, s *Session, payload []byte) ([]byte, error) {
	if s.reserved == s.sent {
		changed := *s
		changed.reserved = next(s.sent)
		if err := t.commit(s, changed); err != nil {
			return nil, err
		}
	}
	s.sent = next(s.sent)
	return s.cipher().seal(b, rmcp.PayloadIPMI, s.consoleID, s.sent, payload, t.Random)
}
