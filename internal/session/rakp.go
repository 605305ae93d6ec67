package session

import (
	"cmp"
	"context"
	"crypto/hmac"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// RAKP1 answers a RAKP Message 1 (§13.20). It returns false if there is no answer: the message names no half-open
// session, or comes from another source than the Open Session Request.
//
// An unknown user name gets an answer of the same form, after the same time, with a code from a random key. A client
// cannot find out in this way which names exist: to the client the password is wrong. The log names the unknown user when
// the key exchange has ended.
func (t *Table) RAKP1(m rmcp.RAKP1, peer netip.AddrPort, now time.Duration) (rmcp.RAKP2, bool) {
	s := t.unexpired(m.ManagedID, now)
	if s == nil || !s.halfOpen() || Source(peer) != Source(s.Peer) {
		return rmcp.RAKP2{}, false
	}
	answer := rmcp.RAKP2{Tag: m.Tag, ClientID: s.clientID, GUID: t.GUID}
	if answer.Status = checkRAKP1(m); answer.Status != rmcp.StatusOK {
		t.Log.Warn("session refused", "peer", s.Peer, "status", answer.Status, refused)
		return answer, true
	}
	repeated := s.state == keyed && s.clientRandom == m.Random && s.role == m.Role && s.name == string(m.Name)
	if !repeated {
		if t.failures.tooMany(origin{Source(peer), string(m.Name)}, now) {
			t.Log.Warn("session refused: too many failed logins", "user", string(m.Name), "peer", peer, refused)
			answer.Status = rmcp.StatusInsufficientResources
			return answer, true
		}
		if err := t.beginExchange(s, m, now); err != nil {
			t.Log.Error("session refused", "peer", s.Peer, "err", err, refused)
			answer.Status = rmcp.StatusInsufficientResources
			return answer, true
		}
	}
	answer.Random = s.managedRandom
	answer.AuthCode = s.rakp2Code(t.password(s), t.GUID)
	return answer, true
}

// checkRAKP1 returns the status with which a RAKP Message 1 is refused because of its name length or role, or StatusOK.
func checkRAKP1(m rmcp.RAKP1) rmcp.Status {
	switch p := m.Role.Privilege(); {
	case len(m.Name) > maxName:
		return rmcp.StatusInvalidNameLength
	case p < rmcp.Callback || p > rmcp.OEM:
		return rmcp.StatusInvalidRole
	}
	return rmcp.StatusOK
}

// beginExchange stores the content of a RAKP Message 1 and makes the session keyed. If the session was keyed already, the
// earlier login has failed.
func (t *Table) beginExchange(s *Session, m rmcp.RAKP1, now time.Duration) error {
	changed := *s
	if _, err := io.ReadFull(t.Random, changed.managedRandom[:]); err != nil {
		return fmt.Errorf("random number: %w", err)
	}
	changed.state, changed.clientRandom, changed.role, changed.name = keyed, m.Random, m.Role, string(m.Name)
	changed.user = t.user(changed.name)
	changed.credential = t.credential(changed.user)
	again := s.state == keyed
	if again {
		t.countFailure(s, now)
	} else {
		t.limitKeyed(now)
		changed.slot = t.freeSlot()
		if err := t.file.reserve(changed.slot); err != nil {
			return err
		}
	}
	if err := t.commit(s, changed); err != nil {
		return err
	}
	if !again {
		t.opened.Remove(s.element)
		t.put(s)
	}
	return nil
}

// limitKeyed makes room for another keyed session. If there are maxKeyed, it drops the oldest of the source that has the
// most of them, failed logins included.
func (t *Table) limitKeyed(now time.Duration) {
	if t.count(now, (*Session).isKeyed) < maxKeyed {
		return
	}
	used := t.failures.bySource(now)
	var all []*Session
	for s := range t.live(now) {
		if s.isKeyed() {
			used[Source(s.Peer)]++
			all = append(all, s)
		}
	}
	s := slices.MinFunc(all, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(used[Source(b.Peer)], used[Source(a.Peer)]), cmp.Compare(a.created, b.created))
	})
	t.Log.Warn("session not opened: too many sessions are half open", "user", s.name, "peer", s.Peer, refused)
	t.drop(s, now)
}

// password returns the password of the user or, for an unknown user, a random key. Both take the same time.
func (t *Table) password(s *Session) []byte {
	decoy := t.file.digest(id(s.managedID), []byte(s.name))
	if s.user == nil {
		return decoy[:]
	}
	return s.user.Password()
}

// RAKP3 answers a RAKP Message 3 (§13.22). The session becomes active if the client has proven that it knows the
// password. Its limit is the requested role or the limit of the user, whichever is lower; the client is not told before
// this proof.
//
// RAKP3 returns false if there is no answer: the client gives up, or the message names no session whose key exchange is
// under way. A client that repeats the message gets the same answer until the first packet of the session shows that the
// answer has arrived.
func (t *Table) RAKP3(m rmcp.RAKP3, peer netip.AddrPort, now time.Duration) (rmcp.RAKP4, bool) {
	s := t.unexpired(m.ManagedID, now)
	if s == nil || s.state == opened || s.confirmed || s.state == closing || Source(peer) != Source(s.Peer) {
		return rmcp.RAKP4{}, false
	}
	if s.state == active {
		repeated := m.Status == rmcp.StatusOK && hmac.Equal(m.AuthCode, s.rakp3Code(t.password(s)))
		return t.rakp4(s, m.Tag), repeated
	}
	refuse := func(status rmcp.Status, reason string) (rmcp.RAKP4, bool) {
		t.Log.Warn("session refused: "+reason, "user", s.name, "peer", s.Peer, "status", status, refused)
		t.drop(s, now)
		return rmcp.RAKP4{Tag: m.Tag, Status: status, ClientID: s.clientID}, true
	}
	if m.Status != rmcp.StatusOK {
		refuse(m.Status, "the client does not accept RAKP Message 2: "+s.loginError("wrong password"))
		return rmcp.RAKP4{}, false
	}
	if !hmac.Equal(m.AuthCode, s.rakp3Code(t.password(s))) || s.user == nil {
		return refuse(rmcp.StatusInvalidIntegrityCheck, s.loginError("wrong password"))
	}
	t.failures.forget(s.origin())
	t.limitActive(s, now)
	t.activate(s, now)
	t.save(s)
	level, details := event.Counted, []any{accepted}
	if t.recentLogins.logs(s.Peer, s.name, now) {
		level = slog.LevelInfo
		details = append(details, "session", s, "user", s.name, "peer", s.Peer,
			"requested", s.role.Privilege(), "limit", s.Limit, "suite", s.suite.ID)
	}
	t.Log.Log(context.Background(), level, "session opened", details...)
	return t.rakp4(s, m.Tag), true
}

// loginError returns the reason of a failed login for the log: wrongPassword, unless the user is unknown.
func (s *Session) loginError(wrongPassword string) string {
	if s.user == nil {
		return "unknown user, or one who may not log in"
	}
	return wrongPassword
}

// limitActive makes room for s to become active. If there are MaxActive sessions, it drops one of them: the one that has
// been closing longest, or else, of the user that has the most sessions, s included, the one that has been idle longest. A
// user that leaves sessions open thus cannot keep other users out.
func (t *Table) limitActive(s *Session, now time.Duration) {
	if t.count(now, func(other *Session) bool { return !other.halfOpen() }) < MaxActive {
		return
	}
	dropped := t.idleLongest(now, (*Session).Closing)
	if dropped == nil {
		sessions := map[string]int{s.name: 1}
		for other := range t.All(now) {
			sessions[other.name]++
		}
		most := slices.Max(slices.Collect(maps.Values(sessions)))
		dropped = t.idleLongest(now, func(other *Session) bool { return other.state == active && sessions[other.name] == most })
		t.Log.Warn("session ended: too many sessions are open, and this user has the most",
			"session", dropped, "user", dropped.name, "peer", dropped.Peer, "idle", now-dropped.touched, logout)
	}
	t.drop(dropped, now)
}

// idleLongest returns the session in the file that matches and has been without a packet longest, or nil.
func (t *Table) idleLongest(now time.Duration, match func(*Session) bool) (longest *Session) {
	for s := range t.live(now) {
		if match(s) && (longest == nil || s.touched < longest.touched) {
			longest = s
		}
	}
	return longest
}

// activate derives the keys and makes the session active. It starts at user level, or below if its limit is lower (§6.8).
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

func (t *Table) rakp4(s *Session, tag byte) rmcp.RAKP4 {
	return rmcp.RAKP4{Tag: tag, ClientID: s.clientID, Integrity: s.rakp4Check(s.sik(), t.GUID)}
}
