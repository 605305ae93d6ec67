package session

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// What we chose; the specification sets none of it.
const (
	// MaxActive is how many sessions can be active at once.
	MaxActive = 64

	// An Open Session Request proves nothing, not even where it comes from, so
	// that sources cannot be told apart: there is room for so many that each
	// stays longer than a round trip, 0.4 s at 10,000 a second.
	maxOpened = 4096
	// RAKP Message 1 names an ID that only its true source has been told.
	maxKeyed = 128

	halfOpenLife = 10 * time.Second
	closingLife  = 2 * time.Second // a repeated Close Session is answered that long
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

// A Table holds the sessions of one BMC. A session is in the file from RAKP
// Message 1 on: what has proven nothing leaves no trace on disk.
type Table struct {
	Config
	byID     map[uint32]*Session
	opened   list.List                      // those that did not go on, oldest first
	slots    [MaxActive + maxKeyed]*Session // those in the file
	failures failures
	welcomes welcomes
	file     *file
	plain    []byte // scratch of Receive
	saved    record // scratch of save, which wipes it
}

// NewTable returns the table that the file in dir holds, without the sessions
// that have ended, that are torn, or whose user has changed since. The file is
// locked: a second table of the same directory is refused with ErrLocked.
func NewTable(dir string, c Config, now time.Duration) (*Table, error) {
	t := &Table{Config: c, byID: make(map[uint32]*Session), failures: make(failures), welcomes: make(welcomes)}
	f, err := openFile(dir, c.Random)
	if err != nil {
		return nil, err
	}
	t.file = f
	if f.reset != "" {
		c.Log.Warn("session file dropped: " + f.reset)
	}
	err = f.records(func(slot int, r *record) {
		s, err := t.decode(slot, r, now)
		if err != nil {
			c.Log.Warn("session dropped", "slot", slot, "reason", err)
			t.erase(slot)
			return
		}
		t.slots[slot], t.byID[s.managedID] = s, s
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
		for s := range t.live(now) {
			if s.state == active && !yield(s) {
				return
			}
		}
	}
}

// HalfOpen tells whether a key exchange is under way.
func (t *Table) HalfOpen(now time.Duration) bool {
	t.expire(now)
	return t.opened.Len() > 0 || slices.ContainsFunc(t.slots[:], func(s *Session) bool { return s != nil && s.state == keyed })
}

// BacksOff tells whether failed key exchanges count against somebody, which the
// next process would not know.
func (t *Table) BacksOff(now time.Duration) bool {
	expire(t.failures, now)
	return len(t.failures) > 0
}

// live drops the sessions that have expired and yields the others that are in the
// file; each may be dropped then.
func (t *Table) live(now time.Duration) iter.Seq[*Session] {
	t.expire(now)
	return func(yield func(*Session) bool) {
		for _, s := range t.slots[:] {
			if s != nil && !yield(s) {
				return
			}
		}
	}
}

func (t *Table) expire(now time.Duration) {
	for s := t.oldest(); s != nil && now >= s.expires(t.Timeout); s = t.oldest() {
		t.forget(s)
	}
	for _, s := range t.slots[:] {
		if s != nil && now >= s.expires(t.Timeout) {
			t.logExpired(s)
			t.drop(s, now)
		}
	}
}

// logExpired tells an operator why a session went away. A console that has the
// wrong password sees so in RAKP Message 2 and, more often than not, is silent
// from then on.
func (t *Table) logExpired(s *Session) {
	switch {
	case s.state == active:
		t.Log.Info("session timed out", "session", s, "user", s.name, "peer", s.Peer)
	case s.state == keyed:
		t.Log.Warn("session not opened: no RAKP Message 3 came: "+t.why(s, "wrong password?"), "user", s.name, "peer", s.Peer)
	}
}

// find returns the session with that ID if it has not expired.
func (t *Table) find(id uint32, now time.Duration) *Session {
	if s := t.byID[id]; s != nil && now < s.expires(t.Timeout) {
		return s
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
	for _, s := range t.slots[:] {
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

// drop ends a session that is in the file. A key exchange that ends so has
// failed.
func (t *Table) drop(s *Session, now time.Duration) {
	if s.state == keyed {
		t.failed(s, now)
	}
	delete(t.byID, s.managedID)
	t.slots[s.slot] = nil
	t.erase(s.slot)
}

// failed counts a key exchange that came to nothing. A password may have been guessed
// when the next one does not.
func (t *Table) failed(s *Session, now time.Duration) {
	t.failures.add(s.attempt(), now)
	t.welcomes.forget(s)
}

// erase blanks a record. One that cannot be erased is one that expires.
func (t *Table) erase(slot int) {
	if err := t.file.write(slot, &blank); err != nil {
		t.Log.Error("session not erased", "slot", slot, "err", err)
	}
}

// save writes the session to the file, unless it has ended.
func (t *Table) save(s *Session) error {
	err := errEnded
	if t.byID[s.managedID] != nil {
		err = t.file.write(s.slot, s.encode(&t.saved))
		t.saved = blank
	}
	if err != nil {
		return fmt.Errorf("save session %s: %w", s.String(), err)
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
