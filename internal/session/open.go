package session

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Open answers an Open Session Request (IPMI 2.0 §13.17). A console that repeats
// its request gets another session, and may go on with either.
func (t *Table) Open(m rmcp.OpenRequest, peer netip.AddrPort, now time.Duration) rmcp.OpenResponse {
	refuse := func(status rmcp.Status, reason string, details ...any) rmcp.OpenResponse {
		t.Log.Warn("session refused: "+reason, append([]any{"peer", peer, "status", status}, details...)...)
		return rmcp.OpenResponse{Tag: m.Tag, Status: status, ConsoleID: m.ConsoleID}
	}
	if m.ConsoleID == 0 {
		return refuse(rmcp.StatusIllegalParameter, "remote console session ID 0")
	}
	suite, ok := t.choose(m)
	if !ok {
		return refuse(rmcp.StatusNoCipherSuiteMatch, "no such cipher suite", "algorithms",
			fmt.Sprintf("%#02x %#02x %#02x", byte(m.Auth), byte(m.Integrity), byte(m.Confidentiality)))
	}
	s, err := t.open(m, suite, peer, now)
	if err != nil {
		return refuse(rmcp.StatusInsufficientResources, "no session ID", "err", err)
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

// open makes a session of a request. Where there are too many, the oldest that
// did not go on gives way.
func (t *Table) open(m rmcp.OpenRequest, suite rmcp.Suite, peer netip.AddrPort, now time.Duration) (*Session, error) {
	sid, err := t.newID()
	if err != nil {
		return nil, err
	}
	s := &Session{
		Peer:     peer,
		state:    opened,
		created:  now,
		exchange: exchange{suite: suite, consoleID: m.ConsoleID, managedID: sid},
	}
	t.expire(now)
	if t.opened.Len() >= maxOpened {
		t.forget(t.oldest())
		t.Log.Warn("too many sessions are half open: the oldest gives way", "peer", peer)
	}
	s.place, t.byID[sid] = t.opened.PushBack(s), s
	return s, nil
}

// oldest is the session that was opened first of those that did not go on; nil if
// there is none.
func (t *Table) oldest() *Session {
	if e := t.opened.Front(); e != nil {
		return e.Value.(*Session)
	}
	return nil
}

// forget drops a session that did not go on.
func (t *Table) forget(s *Session) {
	t.opened.Remove(s.place)
	delete(t.byID, s.managedID)
}

// Source is what counts as one: of IPv6 a network, since hosts have all of it.
func Source(peer netip.AddrPort) netip.Prefix {
	bits := peer.Addr().BitLen()
	if peer.Addr().Is6() {
		bits = 64
	}
	p, _ := peer.Addr().WithZone("").Prefix(bits)
	return p
}

// newID returns a session ID that is not 0 and not in use.
func (t *Table) newID() (uint32, error) {
	for {
		var b [4]byte
		if _, err := io.ReadFull(t.Random, b[:]); err != nil {
			return 0, fmt.Errorf("session ID: %w", err)
		}
		sid := binary.LittleEndian.Uint32(b[:])
		if sid != 0 && t.byID[sid] == nil {
			return sid, nil
		}
	}
}
