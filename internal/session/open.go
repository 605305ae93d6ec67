package session

import (
	"cmp"
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
// there are too many half-open sessions, of this source or in all, one gives way:
// the oldest, and those first that did not get to RAKP Message 1. An active one
// never does.
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
		if source(s.Peer) == source(peer) {
			ofSource = append(ofSource, s)
		}
	}
	if len(ofSource) >= maxHalfOpenPerSource {
		t.drop(least(ofSource).slot)
	} else if len(pending) >= maxHalfOpen {
		t.drop(least(pending).slot)
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
	t.slots[s.slot] = s
	if err := t.save(s); err != nil {
		t.slots[s.slot] = nil
		return nil, err
	}
	return s, nil
}

// source is what counts as one: of IPv6 a network, since hosts have all of it.
func source(peer netip.AddrPort) netip.Prefix {
	bits := peer.Addr().BitLen()
	if peer.Addr().Is6() {
		bits = 64
	}
	p, _ := peer.Addr().WithZone("").Prefix(bits)
	return p
}

func least(all []*Session) *Session {
	return slices.MinFunc(all, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(a.state, b.state), cmp.Compare(a.created, b.created))
	})
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
