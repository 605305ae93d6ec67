package lan

import (
	"maps"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
)

// serialClients are the sessions that have the console open. Output goes to where the
// latest packet of a session came from, and from the address that this packet went to.
type serialClients struct {
	port *serial.Port
	ways map[uint32]address // by session ID
	out  []byte             // scratch for payloads
}

// moved notes where the latest packet of a session came from, if it has the console open.
func (c *serialClients) moved(session uint32, from *address) {
	if len(c.ways) == 0 {
		return
	}
	if _, open := c.ways[session]; open {
		c.ways[session] = *from
	}
}

// add notes a session that has the console open, and forgets those that have ended.
func (c *serialClients) add(session uint32, way address, heard func(uint32) (time.Duration, bool)) {
	maps.DeleteFunc(c.ways, func(id uint32, _ address) bool {
		_, alive := heard(id)
		return !alive
	})
	c.ways[session] = way
}

// local is the address of ours from which a session activated the console.
func (c *serialClients) local(session uint32) netip.AddrPort {
	for payload := range c.port.Payloads() {
		if payload.Session == session {
			return payload.Local
		}
	}
	return netip.AddrPort{}
}

// serialPacket takes a console packet of a session.
func (s *Server) serialPacket(sess *session.Session, p rmcp.Packet, plain []byte, duplicate error) error {
	if duplicate != nil {
		return duplicate
	}
	packet, err := rmcp.ParseSOL(plain)
	if err != nil {
		return err
	}
	if sess.Closing() {
		return nil
	}
	return s.serial.port.Receive(sess.ID(), p.Sequence, packet)
}

// Heard implements [serial.Front].
func (s *Server) Heard(id uint32) (time.Duration, bool) {
	sess := s.sessions.Find(id, s.bmc.Uptime())
	if sess == nil || sess.Closing() {
		return 0, false
	}
	return sess.Heard(), true
}

// SendSOL implements [serial.Front].
func (s *Server) SendSOL(p console.Packet) {
	sess := s.sessions.Find(p.Session, s.bmc.Uptime())
	if sess == nil {
		return
	}
	way, known := s.serial.ways[p.Session]
	if !known {
		way = s.network.way(sess.Peer, s.serial.local(p.Session))
		s.serial.add(p.Session, way, s.Heard)
	}
	s.serial.out = p.Append(s.serial.out[:0])
	s.seal(&way, sess, rmcp.PayloadSOL, s.serial.out)
}
