package session

import (
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Receive checks a packet of a session: first the authentication code, then the sequence number (§6.12.13). It writes the
// change to the file, together with the sequence number of one response, and returns the session and the decrypted payload.
// The payload is valid until the next call.
//
// If the error is [ErrDuplicate], Receive also returns the session and the payload. After any other error the packet is to
// be dropped without a response.
func (t *Table) Receive(p rmcp.Packet, peer netip.AddrPort, now time.Duration) (*Session, []byte, error) {
	s := t.unexpired(p.SessionID, now)
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

// Seal appends a datagram to b that carries a payload of a type to the client, encrypted and authenticated, and returns the
// extended buffer. It uses the next sequence number (§6.12.8). Unless Receive has reserved that number, Seal writes it to
// the file first. It returns an error if the session has ended.
func (t *Table) Seal(b []byte, s *Session, kind rmcp.PayloadType, payload []byte) ([]byte, error) {
	if s.reserved == s.sent {
		changed := *s
		changed.reserved = next(s.sent)
		if err := t.commit(s, changed); err != nil {
			return nil, err
		}
	}
	s.sent = next(s.sent)
	return s.cipher().seal(b, kind, s.clientID, s.sent, payload, t.Random)
}
