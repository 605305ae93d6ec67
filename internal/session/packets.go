package session

import (
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Receive checks an authenticated packet: the session it names, its
// authentication code, and its sequence number. It returns the payload decrypted,
// which stays valid until the next call. All of it is saved, with a sequence
// number for one answer, before Receive returns.
//
// ErrDuplicate comes with the session and the payload; every other error means
// that nothing may be answered.
func (t *Table) Receive(p rmcp.Packet, peer netip.AddrPort, now time.Duration) (*Session, []byte, error) {
	s := t.find(p.SessionID, now)
	if s == nil || s.halfOpen() {
		return nil, nil, errAuth
	}
	if err := s.cipher().authenticate(p); err != nil {
		return nil, nil, err
	}
	plain, err := s.cipher().open(t.plain[:0], p.Payload)
	if err != nil {
		return nil, nil, err
	}
	t.plain = plain

	changed := *s
	if !changed.received.accept(p.Sequence) {
		return s, plain, ErrDuplicate
	}
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
