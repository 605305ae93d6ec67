package session

import (
	"container/list"
	"fmt"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A state is the progress of a session:
//
//	opened --RAKP 1--> keyed --RAKP 3--> active --Close Session--> closing
//
// A session expires when it has been opened or keyed for halfOpenLife, active without a packet for Config.Timeout, or
// closing for closingLife. An opened session is not in the file, so it also ends with the process.
type state byte

const (
	free state = iota
	opened
	keyed
	active
	closing
)

// A Session is one session of a [Table]. Only the table changes its unexported fields.
type Session struct {
	Peer      netip.AddrPort // source of its latest valid packet
	Privilege rmcp.Privilege // present privilege level
	Limit     rmcp.Privilege // highest level that Set Session Privilege Level may set

	exchange
	element    *list.Element // in Table.opened while the session is opened
	slot       int           // index in Table.slots from RAKP Message 1 on
	state      state
	user       *User    // nil before RAKP Message 1 and for an unknown name
	credential [32]byte // Table.credential of user at RAKP Message 1
	confirmed  bool     // a packet came in the session, so RAKP Message 4 has arrived
	created    time.Duration
	touched    time.Duration // time of the latest valid packet
	received   window
	sent       uint32 // last outbound sequence number that was used
	reserved   uint32 // last outbound sequence number that the file marks as used

	// The keys are held by functions because fmt prints a function as an address, whatever the verb.
	sik    func() []byte
	cipher func() *packetCipher
}

// ID returns the managed system session ID, which packets to the BMC carry. It is never 0.
func (s *Session) ID() uint32 { return s.managedID }

// Handle returns the session handle (§22.20), from 1 to 192.
func (s *Session) Handle() byte { return byte(s.slot + 1) }

// User returns the user that opened the session.
func (s *Session) User() *User { return s.user }

// Heard returns when the latest valid packet of the session came.
func (s *Session) Heard() time.Duration { return s.touched }

// Missing returns the number of packets, from 0 to 30, that the client numbered right below the given sequence number and
// that have not arrived. It returns 0 if a packet with a higher sequence number has arrived.
func (s *Session) Missing(sequence uint32) int {
	if sequence != s.received.top {
		return 0
	}
	return s.received.missing()
}

// Closing reports whether the session was closed and only answers a retransmitted Close Session.
func (s *Session) Closing() bool { return s.state == closing }

// String returns the session ID as eight hex digits, for logs.
func (s *Session) String() string { return fmt.Sprintf("%08x", s.managedID) }

// halfOpen reports whether the key exchange is still under way.
func (s *Session) halfOpen() bool { return s.state == opened || s.state == keyed }

// expires returns the time at which the session expires.
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
