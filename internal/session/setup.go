package session

import (
	"cmp"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Open answers an Open Session Request (IPMI 2.0 §13.17). A console that
// repeats its request before it went on gets the same session again.
func (t *Table) Open(m rmcp.OpenRequest, peer netip.AddrPort, now time.Duration) rmcp.OpenResponse {
	refuse := func(status rmcp.Status, reason string) rmcp.OpenResponse {
		t.Log.Warn("session refused: "+reason, "peer", peer, "status", status)
		return rmcp.OpenResponse{Tag: m.Tag, Status: status, ConsoleID: m.ConsoleID}
	}
	if m.ConsoleID == 0 {
		return refuse(rmcp.StatusIllegalParameter, "remote console session ID 0")
	}
	suite, ok := t.choose(m)
	if !ok {
		return refuse(rmcp.StatusNoCipherSuiteMatch, fmt.Sprintf(
			"no cipher suite with authentication %#02x, integrity %#02x, confidentiality %#02x",
			m.Auth, m.Integrity, m.Confidentiality))
	}
	s, err := t.slot(m, suite, peer, now)
	if err != nil {
		return refuse(rmcp.StatusInsufficientResources, err.Error())
	}
	limit := rmcp.Administrator
	if m.Privilege != rmcp.Anyone {
		limit = min(limit, m.Privilege)
	}
	return rmcp.OpenResponse{
		Tag:       m.Tag,
		Privilege: limit, // FreeIPMI refuses less than it asked for, and 0
		ConsoleID: m.ConsoleID,
		ManagedID: s.managedID,
		Suite:     suite,
	}
}

// choose returns the strongest suite that fits the proposal.
func (t *Table) choose(m rmcp.OpenRequest) (rmcp.Suite, bool) {
	for _, s := range slices.Backward(t.Suites) {
		if (m.Auth == s.Auth || m.Auth == rmcp.AnyAlgorithm) &&
			(m.Integrity == s.Integrity || m.Integrity == rmcp.AnyAlgorithm) &&
			(m.Confidentiality == s.Confidentiality || m.Confidentiality == rmcp.AnyAlgorithm) {
			return s, true
		}
	}
	return rmcp.Suite{}, false
}

// slot returns the half-open session of a repeated request, or a new one. Where
// there are too many half-open sessions, of this source or in all, the oldest
// gives way: an active one never does.
func (t *Table) slot(m rmcp.OpenRequest, suite rmcp.Suite, peer netip.AddrPort, now time.Duration) (*Session, error) {
	var pending, ofSource []*Session
	for _, s := range t.live(now) {
		if !s.halfOpen() {
			continue
		}
		if s.state == opened && s.Peer == peer && s.consoleID == m.ConsoleID && s.suite == suite {
			return s, nil
		}
		pending = append(pending, s)
		if s.Peer.Addr() == peer.Addr() {
			ofSource = append(ofSource, s)
		}
	}
	if len(ofSource) >= maxHalfOpenPerSource {
		t.drop(oldest(ofSource))
	} else if len(pending) >= maxHalfOpen {
		t.drop(oldest(pending))
	}
	sid, err := t.newID()
	if err != nil {
		return nil, err
	}
	s := &Session{
		Peer:     peer,
		slot:     slices.Index(t.slots[:], nil), // there is one: see the limits
		state:    opened,
		created:  now,
		exchange: exchange{suite: suite, consoleID: m.ConsoleID, managedID: sid},
	}
	if err := t.Save(s); err != nil {
		return nil, err
	}
	t.slots[s.slot] = s
	return s, nil
}

func oldest(all []*Session) *Session {
	return slices.MinFunc(all, func(a, b *Session) int { return cmp.Compare(a.created, b.created) })
}

// newID returns a session ID that is not 0 and not in use.
func (t *Table) newID() (uint32, error) {
	for {
		var b [4]byte
		if _, err := io.ReadFull(t.Random, b[:]); err != nil {
			return 0, fmt.Errorf("session ID: %w", err)
		}
		sid := binary.LittleEndian.Uint32(b[:])
		inUse := func(s *Session) bool { return s != nil && s.managedID == sid }
		if sid != 0 && !slices.ContainsFunc(t.slots[:], inUse) {
			return sid, nil
		}
	}
}

// RAKP1 answers a RAKP Message 1 (IPMI 2.0 §13.20), unless it names no session
// in set-up: then there is no answer.
//
// A name that nobody has gets an answer like any other, made with a key that
// nobody knows, so that names cannot be probed. The console takes it for a
// wrong password.
func (t *Table) RAKP1(m rmcp.RAKP1, now time.Duration) (rmcp.RAKP2, bool) {
	s := t.find(m.ManagedID, now)
	if s == nil || !s.halfOpen() {
		return rmcp.RAKP2{}, false
	}
	answer := rmcp.RAKP2{Tag: m.Tag, ConsoleID: s.consoleID, GUID: t.GUID}
	if answer.Status = check(m); answer.Status != rmcp.StatusOK {
		t.Log.Warn("session refused", "peer", s.Peer, "status", answer.Status)
		return answer, true
	}
	repeated := s.state == keyed && s.consoleRandom == m.Random && s.role == m.Role && s.name == string(m.Name)
	if !repeated {
		if _, err := io.ReadFull(t.Random, s.managedRandom[:]); err != nil {
			t.Log.Error("session refused", "peer", s.Peer, "err", err)
			return rmcp.RAKP2{}, false
		}
		s.state, s.consoleRandom, s.role, s.name = keyed, m.Random, m.Role, string(m.Name)
		s.user = t.user(s.name)
		if err := t.Save(s); err != nil {
			t.Log.Error("session refused", "peer", s.Peer, "err", err)
			answer.Status = rmcp.StatusInsufficientResources
			return answer, true
		}
	}
	answer.Random = s.managedRandom
	answer.AuthCode = s.rakp2Code(t.password(s), t.GUID)
	return answer, true
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

func (t *Table) user(name string) *User {
	for i := range t.Users {
		if t.Users[i].Name == name {
			return &t.Users[i]
		}
	}
	return nil
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
func (t *Table) RAKP3(m rmcp.RAKP3, now time.Duration) (rmcp.RAKP4, bool) {
	s := t.find(m.ManagedID, now)
	if s == nil || s.state == opened || s.confirmed || s.state == closing {
		return rmcp.RAKP4{}, false
	}
	if s.state == active {
		repeated := m.Status == rmcp.StatusOK && hmac.Equal(m.AuthCode, s.rakp3Code(t.password(s)))
		return t.welcome(s, m.Tag), repeated
	}
	refuse := func(status rmcp.Status, reason string) (rmcp.RAKP4, bool) {
		t.Log.Warn("session refused: "+reason, "user", s.name, "peer", s.Peer, "status", status)
		t.drop(s)
		return rmcp.RAKP4{Tag: m.Tag, Status: status, ConsoleID: s.consoleID}, true
	}
	if m.Status != rmcp.StatusOK {
		refuse(m.Status, "the console does not accept our code: "+t.why(s, "wrong password"))
		return rmcp.RAKP4{}, false
	}
	if !hmac.Equal(m.AuthCode, s.rakp3Code(t.password(s))) || s.user == nil {
		return refuse(rmcp.StatusInvalidIntegrityCheck, t.why(s, "wrong password"))
	}
	if s.role.Privilege() > s.user.Limit {
		return refuse(rmcp.StatusInvalidRole, fmt.Sprintf("%v asked for, %v is the limit", s.role.Privilege(), s.user.Limit))
	}
	if t.count(active, now) >= MaxActive {
		return refuse(rmcp.StatusInsufficientResources, "too many sessions")
	}
	t.activate(s, now)
	if err := t.Save(s); err != nil {
		return refuse(rmcp.StatusInsufficientResources, err.Error())
	}
	t.Log.Info("session opened", "session", s, "user", s.name, "peer", s.Peer, "limit", s.Limit, "suite", s.suite.ID)
	return t.welcome(s, m.Tag), true
}

// why names the cause of a failed key exchange for the log.
func (t *Table) why(s *Session, otherwise string) string {
	if s.user == nil {
		return "unknown user"
	}
	return otherwise
}

func (t *Table) count(st state, now time.Duration) int {
	n := 0
	for _, s := range t.live(now) {
		if s.state == st {
			n++
		}
	}
	return n
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
	s.Limit = s.role.Privilege()
	s.Privilege = min(rmcp.User, s.Limit)
}

func (s *Session) setKeys(sik []byte) {
	s.sik = func() []byte { return sik }
	s.packetCipher = newPacketCipher(&s.exchange, sik)
}

func (t *Table) welcome(s *Session, tag byte) rmcp.RAKP4 {
	return rmcp.RAKP4{Tag: tag, ConsoleID: s.consoleID, Integrity: s.rakp4Check(s.sik(), t.GUID)}
}
