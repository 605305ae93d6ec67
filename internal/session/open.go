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

// Open answers an Open Session Request (§13.17). A client that repeats the request gets another session, and may go on
// with either of the two.
func (t *Table) Open(m rmcp.OpenRequest, peer netip.AddrPort, now time.Duration) rmcp.OpenResponse {
	refuse := func(status rmcp.Status, reason string, details ...any) rmcp.OpenResponse {
		t.Log.Warn("session refused: "+reason, append([]any{"peer", peer, "status", status, refused}, details...)...)
		return rmcp.OpenResponse{Tag: m.Tag, Status: status, ClientID: m.ClientID}
	}
	if m.ClientID == 0 {
		return refuse(rmcp.StatusIllegalParameter, "remote console session ID 0")
	}
	suite, ok := t.chooseSuite(m)
	if !ok {
		return refuse(rmcp.StatusNoCipherSuiteMatch, "cipher suite not offered", "algorithms",
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
		Privilege: limit, // FreeIPMI gives up if this is less than it requested, or 0
		ClientID:  m.ClientID,
		ManagedID: s.managedID,
		Suite:     suite,
	}
}

// chooseSuite returns the strongest suite that matches the proposal.
func (t *Table) chooseSuite(m rmcp.OpenRequest) (rmcp.Suite, bool) {
	for _, s := range slices.Backward(t.Suites) {
		if (m.Auth == s.Auth || m.Auth == rmcp.AnyAlgorithm) &&
			(m.Integrity == s.Integrity || m.Integrity == rmcp.AnyAlgorithm) &&
			(m.Confidentiality == s.Confidentiality || m.Confidentiality == rmcp.AnyAlgorithm) {
			return s, true
		}
	}
	return rmcp.Suite{}, false
}

// open adds an opened session. If there are maxOpened, it drops the oldest of them.
func (t *Table) open(m rmcp.OpenRequest, suite rmcp.Suite, peer netip.AddrPort, now time.Duration) (*Session, error) {
	sid, err := t.newID()
	if err != nil {
		return nil, err
	}
	s := &Session{
		Peer:     peer,
		state:    opened,
		created:  now,
		exchange: exchange{suite: suite, clientID: m.ClientID, managedID: sid},
	}
	t.expire(now)
	if t.opened.Len() >= maxOpened {
		t.dropOpened(t.oldestOpened())
		t.Log.Warn("session not opened: too many sessions are half open, the oldest is dropped", "peer", peer)
	}
	s.element, t.byID[sid] = t.opened.PushBack(s), s
	return s, nil
}

// oldestOpened returns the opened session that is oldest, or nil.
func (t *Table) oldestOpened() *Session {
	if e := t.opened.Front(); e != nil {
		return e.Value.(*Session)
	}
	return nil
}

// dropOpened removes an opened session.
func (t *Table) dropOpened(s *Session) {
	t.opened.Remove(s.element)
	delete(t.byID, s.managedID)
}

// Source returns the addresses that limits treat as one client: the address of the peer, or for IPv6 its /64 network,
// because a host may use all addresses of its network. The zone is left out.
func Source(peer netip.AddrPort) netip.Prefix {
	bits := peer.Addr().BitLen()
	if peer.Addr().Is6() {
		bits = 64
	}
	p, _ := peer.Addr().WithZone("").Prefix(bits)
	return p
}

// newID returns a random session ID that is not in use and not 0.
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
