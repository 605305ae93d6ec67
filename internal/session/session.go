package session

import (
	"container/list"
	"fmt"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A state is how far a session has come:
//
//	opened --RAKP 1--> keyed --RAKP 3--> active --Close Session--> closing
//
// A session that stays opened or keyed for halfOpenLife, active for the
// session timeout without a packet, or closing for closingLife, is gone. One that
// is opened is in no file, and gone with the process.
type state byte

const (
	free state = iota
	opened
	keyed
	active
	closing
)

// A Session is one session of a [Table], which alone may change what is not
// exported.
type Session struct {
	Peer      netip.AddrPort // where its last valid packet came from
	Privilege rmcp.Privilege // present level
	Limit     rmcp.Privilege // what Set Session Privilege Level may reach

	exchange
	place      *list.Element // in Table.opened, while it is opened
	slot       int           // from RAKP Message 1 on
	state      state
	user       *User    // nil until RAKP Message 1, or when nobody has the name
	credential [32]byte // of the user when RAKP Message 1 came, see Table.credential
	confirmed  bool     // a packet came in: RAKP Message 4 arrived
	created    time.Duration
	touched    time.Duration // when the last valid packet came
	received   window
	sent       uint32 // last sequence number that left
	reserved   uint32 // last sequence number that may have left, as the file says

	// Functions, so that no verb of fmt prints a key.
	sik    func() []byte
	cipher func() *packetCipher
}

// ID is the managed system session ID, the name of the session on the wire.
func (s *Session) ID() uint32 { return s.managedID }

// Handle is the session handle (IPMI 2.0 §22.20), never 0.
func (s *Session) Handle() byte { return byte(s.slot + 1) }

// User is the user that opened the session.
func (s *Session) User() *User { return s.user }

// Missing tells how many packets that the console sent right before the one with that sequence number have not come:
// 0 to 30, and 0 where a later one has come.
func (s *Session) Missing(sequence uint32) int {
	if sequence != s.received.top {
		return 0
	}
	return s.received.missing()
}

// Closing tells that the session answers nothing but a repeated Close Session.
func (s *Session) Closing() bool { return s.state == closing }

// String names the session in logs.
func (s *Session) String() string { return fmt.Sprintf("%08x", s.managedID) }

// halfOpen tells that the key exchange has not ended.
func (s *Session) halfOpen() bool { return s.state == opened || s.state == keyed }

// expires is the time from which the session is gone.
func (s *Session) expires(timeout time.Duration) time.Duration {
	switch s.state {
	case active:
		return s.touched + timeout
	case closing:
		return s.touched + closingLife
	default:
		return s.created + halfOpenLife
	}
}
