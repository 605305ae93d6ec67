package session

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// These limits are our choice. The specification does not set them.
const (
	// MaxActive is the maximum number of active sessions of a BMC.
	MaxActive = 64

	// An Open Session Request may come from a forged source, so the limit is not per source. It is so high that at 10,000
	// requests per second a session stays opened for 0.4 s, which is longer than a round trip.
	maxOpened = 4096
	// RAKP Message 1 names a session ID that was sent to its source, so the source is not forged.
	maxKeyed = 128

	halfOpenLife = 10 * time.Second
	closingLife  = 2 * time.Second // a retransmitted Close Session is answered for that long
)

// maxSlots is how many sessions the file can hold. Closing sessions count as active ones.
const maxSlots = MaxActive + maxKeyed

// errEnded means that the slot may already belong to another session.
var errEnded = errors.New("it has ended")

// via is how the clients of this front come.
const via = "lan"

// Attributes that make a log record an event.
var (
	accepted = event.Event{Kind: event.Login, Via: via}.Attr()
	refused  = event.Event{Kind: event.Refused, Via: via}.Attr()
	logout   = event.Event{Kind: event.Logout, Via: via}.Attr()
)

// ErrDuplicate means that the sequence number of an authentic packet was received before. The packet must not have an
// effect again.
var ErrDuplicate = errors.New("duplicate packet")

// A Config describes the BMC of a [Table].
type Config struct {
	Users   []User
	Kg      func() []byte // returns the BMC key, at most 20 bytes, or nil without a key
	GUID    [16]byte      // of the managed machine, in the order in which it is sent
	Suites  []rmcp.Suite  // accepted cipher suites, weakest first
	Timeout time.Duration // an active session ends after that time without a packet (§6.12.15)
	Random  io.Reader
	Log     *slog.Logger
}

// A Table holds the sessions of one BMC. The file has a session from RAKP Message 1 on, so that clients that have not
// proven their address do not write to the disk.
type Table struct {
	Config
	byID         map[uint32]*Session
	opened       list.List     // opened sessions, oldest first
	slots        []*Session    // sessions in the file, up to the highest slot that was used; nil: free
	due          time.Duration // no session in the file expires before
	failures     failures
	recentLogins recentLogins
	file         *file
	plain        []byte // buffer of Receive
	saved        record // buffer of save, cleared after use
}

// NewTable reads the session file in dir and returns its sessions, at the time now since boot. It makes the file if it
// is missing. Sessions that have expired, whose record is damaged, or whose user has changed are dropped. The file stays
// locked until Close: the error is ErrLocked if another table has it. Other errors are those of the file system.
func NewTable(dir string, c Config, now time.Duration) (*Table, error) {
	t := &Table{
		Config: c, byID: make(map[uint32]*Session),
		failures: failures{until: make(map[origin]time.Duration)}, recentLogins: make(recentLogins),
	}
	f, err := openFile(dir, c.Random)
	if err != nil {
		return nil, err
	}
	t.file = f
	if f.reset != "" {
		c.Log.Warn("session file dropped: " + f.reset)
	}
	f.records(func(slot int, r *record) {
		s, err := t.decode(slot, r, now)
		if err != nil {
			c.Log.Warn("session dropped", "slot", slot, "reason", err)
			f.write(slot, &blank)
			return
		}
		t.put(s)
		t.byID[s.managedID] = s
	})
	return t, nil
}

// Close closes and unlocks the file. The sessions stay in it for the next NewTable.
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

// HalfOpen reports whether a key exchange is under way. An opened session would be lost with the process.
func (t *Table) HalfOpen(now time.Duration) bool {
	t.expire(now)
	return t.opened.Len() > 0 || slices.ContainsFunc(t.slots, (*Session).isKeyed)
}

func (s *Session) isKeyed() bool { return s != nil && s.state == keyed }

// BacksOff reports whether failed logins may delay further ones. The file does not have them, so they would be forgotten
// with the process.
func (t *Table) BacksOff(now time.Duration) bool { return t.failures.any(now) }

// live drops the sessions that have expired and yields the others in the file. The caller may drop each of them.
func (t *Table) live(now time.Duration) iter.Seq[*Session] {
	t.expire(now)
	return func(yield func(*Session) bool) {
		for _, s := range t.slots {
			if s != nil && !yield(s) {
				return
			}
		}
	}
}

// count returns the number of sessions in the file that match.
func (t *Table) count(now time.Duration, match func(*Session) bool) (n int) {
	for s := range t.live(now) {
		if match(s) {
			n++
		}
	}
	return n
}

func (t *Table) expire(now time.Duration) {
	for s := t.oldestOpened(); s != nil && now >= s.expires(t.Timeout); s = t.oldestOpened() {
		t.dropOpened(s)
	}
	if now < t.due {
		return
	}
	t.due = math.MaxInt64
	for _, s := range t.slots {
		switch {
		case s == nil:
		case now < s.expires(t.Timeout):
			t.due = min(t.due, s.expires(t.Timeout))
		default:
			t.logExpired(s)
			t.drop(s, now)
		}
	}
}

// logExpired logs why a session ended. A client with the wrong password notices it in RAKP Message 2, and most clients
// then send nothing more.
func (t *Table) logExpired(s *Session) {
	switch s.state {
	case active:
		t.Log.Info("session timed out", "session", s, "user", s.name, "peer", s.Peer, logout)
	case keyed:
		t.Log.Warn("session not opened: no RAKP Message 3: "+s.loginError("wrong password?"), "user", s.name, "peer", s.Peer, refused)
	}
}

// unexpired returns the session with that ID, in any state, or nil.
func (t *Table) unexpired(id uint32, now time.Duration) *Session {
	if s := t.byID[id]; s != nil && now < s.expires(t.Timeout) {
		return s
	}
	return nil
}

// Find returns the active or closing session with that ID, or nil.
func (t *Table) Find(id uint32, now time.Duration) *Session {
	if s := t.unexpired(id, now); s != nil && !s.halfOpen() {
		return s
	}
	return nil
}

// Active returns the number of active sessions.
func (t *Table) Active(now time.Duration) int {
	n := 0
	for _, s := range t.slots {
		if s != nil && s.state == active && now < s.expires(t.Timeout) {
			n++
		}
	}
	return n
}

// End closes an active session. For two seconds the session still answers a retransmitted Close Session, in case the
// first response was lost.
func (t *Table) End(s *Session, now time.Duration) error {
	changed := *s
	changed.state, changed.touched = closing, now
	return t.commit(s, changed)
}

// SetPrivilege changes the present privilege level of a session. The caller checks it against Limit.
func (t *Table) SetPrivilege(s *Session, level rmcp.Privilege) error {
	changed := *s
	changed.Privilege = level
	return t.commit(s, changed)
}

// put notes that a session is in the file.
func (t *Table) put(s *Session) {
	for len(t.slots) <= s.slot {
		t.slots = append(t.slots, nil)
	}
	t.slots[s.slot] = s
}

// freeSlot returns the lowest slot that is free. One always is: see maxSlots.
func (t *Table) freeSlot() int {
	if i := slices.Index(t.slots, nil); i >= 0 {
		return i
	}
	return len(t.slots)
}

// drop removes a session that is in the file. If its key exchange has not ended, the login has failed.
func (t *Table) drop(s *Session, now time.Duration) {
	if s.state == keyed {
		t.countFailure(s, now)
	}
	delete(t.byID, s.managedID)
	t.slots[s.slot] = nil
	t.file.write(s.slot, &blank)
}

// countFailure counts a failed login. The next successful login is logged, because the password may have been guessed.
func (t *Table) countFailure(s *Session, now time.Duration) {
	t.failures.add(s.origin(), now)
	t.recentLogins.forget(s)
}

// commit changes a session after it has written the change to the file. The error is errEnded if the session has been
// dropped.
func (t *Table) commit(s *Session, changed Session) error {
	if t.byID[s.managedID] == nil {
		return fmt.Errorf("save session %s: %w", s.String(), errEnded)
	}
	t.save(&changed)
	*s = changed
	return nil
}

// save writes a session that has not been dropped to the file.
func (t *Table) save(s *Session) {
	t.file.write(s.slot, s.encode(&t.saved))
	t.saved = blank
	t.due = min(t.due, s.expires(t.Timeout))
}
