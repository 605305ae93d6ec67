package session

import (
	"cmp"
	"crypto/hmac"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// RAKP1 answers a RAKP Message 1 (IPMI 2.0 §13.20), unless it names no session
// in set-up: then there is no answer.
//
// A name that nobody has gets an answer like any other and as soon, made with a
// key that nobody knows, so that names cannot be probed; the log has it when the
// exchange has ended. The console takes it for a wrong password.
func (t *Table) RAKP1(m rmcp.RAKP1, peer netip.AddrPort, now time.Duration) (rmcp.RAKP2, bool) {
	s := t.find(m.ManagedID, now)
	if s == nil || !s.halfOpen() || Source(peer) != Source(s.Peer) {
		return rmcp.RAKP2{}, false
	}
	answer := rmcp.RAKP2{Tag: m.Tag, ConsoleID: s.consoleID, GUID: t.GUID}
	if answer.Status = check(m); answer.Status != rmcp.StatusOK {
		t.Log.Warn("session refused", "peer", s.Peer, "status", answer.Status)
		return answer, true
	}
	repeated := s.state == keyed && s.consoleRandom == m.Random && s.role == m.Role && s.name == string(m.Name)
	if !repeated {
		if t.failures.tooMany(attempt{Source(peer), string(m.Name)}, now) {
			t.Log.Warn("session refused: too many have failed", "user", string(m.Name), "peer", peer)
			answer.Status = rmcp.StatusInsufficientResources
			return answer, true
		}
		if err := t.key(s, m, now); err != nil {
			t.Log.Error("session refused", "peer", s.Peer, "err", err)
			answer.Status = rmcp.StatusInsufficientResources
			return answer, true
		}
	}
	answer.Random = s.managedRandom
	answer.AuthCode = s.rakp2Code(t.password(s), t.GUID)
	return answer, true
}

// key takes over what a RAKP Message 1 brings. One that differs from an earlier
// one is another attempt.
func (t *Table) key(s *Session, m rmcp.RAKP1, now time.Duration) error {
	changed := *s
	if _, err := io.ReadFull(t.Random, changed.managedRandom[:]); err != nil {
		return fmt.Errorf("random number: %w", err)
	}
	changed.state, changed.consoleRandom, changed.role, changed.name = keyed, m.Random, m.Role, string(m.Name)
	changed.user = t.user(changed.name)
	changed.credential = t.credential(changed.user)
	again := s.state == keyed
	if again {
		t.failed(s, now)
	} else {
		t.makeRoom(now)
		changed.slot = slices.Index(t.slots[:], nil) // there is one: see the limits
	}
	if err := t.commit(s, changed); err != nil {
		return err
	}
	if !again {
		t.opened.Remove(s.place)
		t.slots[s.slot] = s
	}
	return nil
}

// makeRoom has one of too many key exchanges give way: the oldest of the source
// that has most of them, with those that failed.
func (t *Table) makeRoom(now time.Duration) {
	var all []*Session
	for s := range t.live(now) {
		if s.state == keyed {
			all = append(all, s)
		}
	}
	if len(all) < maxKeyed {
		return
	}
	has := t.failures.bySource(now)
	for _, s := range all {
		has[Source(s.Peer)]++
	}
	s := slices.MinFunc(all, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(has[Source(b.Peer)], has[Source(a.Peer)]), cmp.Compare(a.created, b.created))
	})
	t.Log.Warn("session not opened: too many are half open", "user", s.name, "peer", s.Peer)
	t.drop(s, now)
}

// check finds what is wrong with a RAKP Message 1 whoever sends it.
func check(m rmcp.RAKP1) rmcp.Status {
	switch p := m.Role.Privilege(); {
	case len(m.Name) > 16:
		return rmcp.StatusInvalidNameLength
	case p < rmcp.Callback || p > rmcp.OEM:
		return rmcp.StatusInvalidRole
	}
	return rmcp.StatusOK
}

// password is the user's, or for an unknown user a key that nobody knows. Both
// cost the same.
func (t *Table) password(s *Session) []byte {
	decoy := t.file.digest(id(s.managedID), []byte(s.name))
	if s.user == nil {
		return decoy[:]
	}
	return s.user.Password()
}

// RAKP3 answers a RAKP Message 3 (IPMI 2.0 §13.22) and, when the console has
// proven that it knows the password, makes the session active. There is no
// answer to a console that gives up, or that names no session in set-up. A
// console that repeats itself gets the same answer until its first packet shows
// that it had it.
func (t *Table) RAKP3(m rmcp.RAKP3, peer netip.AddrPort, now time.Duration) (rmcp.RAKP4, bool) {
	s := t.find(m.ManagedID, now)
	if s == nil || s.state == opened || s.confirmed || s.state == closing || Source(peer) != Source(s.Peer) {
		return rmcp.RAKP4{}, false
	}
	if s.state == active {
		repeated := m.Status == rmcp.StatusOK && hmac.Equal(m.AuthCode, s.rakp3Code(t.password(s)))
		return t.welcome(s, m.Tag), repeated
	}
	refuse := func(status rmcp.Status, reason string, details ...any) (rmcp.RAKP4, bool) {
		t.Log.Warn("session refused: "+reason, append([]any{"user", s.name, "peer", s.Peer, "status", status}, details...)...)
		t.drop(s, now)
		return rmcp.RAKP4{Tag: m.Tag, Status: status, ConsoleID: s.consoleID}, true
	}
	if m.Status != rmcp.StatusOK {
		refuse(m.Status, "the console does not accept our code: "+t.why(s, "wrong password"))
		return rmcp.RAKP4{}, false
	}
	if !hmac.Equal(m.AuthCode, s.rakp3Code(t.password(s))) || s.user == nil {
		return refuse(rmcp.StatusInvalidIntegrityCheck, t.why(s, "wrong password"))
	}
	delete(t.failures, s.attempt())
	if t.established(now) >= MaxActive && !t.hurry(now) {
		return refuse(rmcp.StatusInsufficientResources, "too many sessions")
	}
	t.activate(s, now)
	if err := t.save(s); err != nil {
		return refuse(rmcp.StatusInsufficientResources, "it cannot be saved", "err", err)
	}
	if t.welcomes.news(s, now) {
		t.Log.Info("session opened", "session", s, "user", s.name, "peer", s.Peer,
			"requested", s.role.Privilege(), "limit", s.Limit, "suite", s.suite.ID)
	}
	return t.welcome(s, m.Tag), true
}

// why names the cause of a failed key exchange for the log.
func (t *Table) why(s *Session, otherwise string) string {
	if s.user == nil {
		return "unknown user, or one who may not log in"
	}
	return otherwise
}

// established counts the sessions that have ended their key exchange. One that
// is closing is among them, for it has a slot.
func (t *Table) established(now time.Duration) int {
	n := 0
	for s := range t.live(now) {
		if !s.halfOpen() {
			n++
		}
	}
	return n
}

// hurry drops the session that has been closing longest, if there is one. All it
// still had to do was to answer a Close Session once more.
func (t *Table) hurry(now time.Duration) bool {
	var longest *Session
	for s := range t.live(now) {
		if s.state == closing && (longest == nil || s.touched < longest.touched) {
			longest = s
		}
	}
	if longest == nil {
		return false
	}
	t.drop(longest, now)
	return true
}

// activate gives the session its keys. It starts at user level, or below if
// that is all it may reach (IPMI 2.0 §6.8).
func (t *Table) activate(s *Session, now time.Duration) {
	kg := t.Kg()
	if len(kg) == 0 {
		kg = s.user.Password()
	}
	s.setKeys(s.exchange.sik(kg))
	s.state, s.touched = active, now
	s.Limit = min(s.role.Privilege(), s.user.Limit)
	s.Privilege = min(rmcp.User, s.Limit)
}

func (s *Session) setKeys(sik []byte) {
	s.sik = func() []byte { return sik }
	c := newPacketCipher(&s.exchange, sik)
	s.cipher = func() *packetCipher { return c }
}

func (t *Table) welcome(s *Session, tag byte) rmcp.RAKP4 {
	return rmcp.RAKP4{Tag: tag, ConsoleID: s.consoleID, Integrity: s.rakp4Check(s.sik(), t.GUID)}
}
