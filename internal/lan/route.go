package lan

import (
	"errors"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// route unwraps a datagram as far as it is sound, and has it answered. A datagram that is
// malformed, forged or not for us is dropped in silence.
func (s *Server) route(d *datagram) {
	class, rest, err := rmcp.ParseHeader(d.b[:d.n])
	if err == nil {
		switch class {
		case rmcp.ClassASF:
			err = s.ping(d, rest)
		case rmcp.ClassIPMI:
			err = s.packet(d, rest)
		}
	}
	if err != nil {
		s.log.Debug("datagram dropped", "peer", d.from.peer, "err", err)
	}
}

func (s *Server) ping(d *datagram, b []byte) error {
	ping, err := rmcp.ParsePing(b)
	if err != nil || ping.Tag == rmcp.NoAnswer {
		return err
	}
	if err := s.admit(d); err != nil {
		return err
	}
	s.send(&d.from, ping.AppendPong(s.out[:0]))
	return nil
}

var (
	errOutside = errors.New("not a packet outside a session")
	errTooMany = errors.New("too many packets outside a session")
)

// admit returns an error if too many packets came that prove nothing.
func (s *Server) admit(d *datagram) error {
	if s.limits.allow(d.from.peer, s.bmc.Uptime()) {
		return nil
	}
	s.log.Warn("flood: request dropped", "peer", d.from.peer)
	return errTooMany
}

func (s *Server) packet(d *datagram, b []byte) error {
	p, err := rmcp.ParsePacket(b)
	switch {
	case err != nil:
		return err
	case p.AuthType == rmcp.AuthRMCP && p.SessionID != 0:
		return s.inSession(d, p)
	case !p.Bare():
		return errOutside
	case p.Type == rmcp.PayloadIPMI:
		return s.sessionless(d, p)
	default:
		return s.setup(d, p)
	}
}

// sessionless answers the few commands that need no session, in the framing in which they
// came.
func (s *Server) sessionless(d *datagram, p rmcp.Packet) error {
	r, err := rmcp.ParseRequest(p.Payload)
	if err != nil {
		return err
	}
	if r.RsAddr != rmcp.AddressBMC || !ipmi.Sessionless(r) {
		return errOutside
	}
	if err := s.admit(d); err != nil {
		return err
	}
	_, answer := s.ipmi.Handle(s.requestOf(r, &d.from, ipmi.Session{}))
	message := r.AppendResponse(nil, byte(answer.Code), answer.Data)
	if p.AuthType == rmcp.AuthNone {
		s.send(&d.from, rmcp.AppendV15Packet(s.out[:0], message))
	} else {
		s.send(&d.from, rmcp.AppendPacket(s.out[:0], rmcp.PayloadIPMI, message))
	}
	return nil
}

// setup answers the messages that make a session.
func (s *Server) setup(d *datagram, p rmcp.Packet) error {
	now := s.bmc.Uptime()
	reply := func(kind rmcp.PayloadType, payload []byte) error {
		s.send(&d.from, rmcp.AppendPacket(s.out[:0], kind, payload))
		return nil
	}
	switch p.Type {
	case rmcp.PayloadOpenRequest:
		m, err := rmcp.ParseOpenRequest(p.Payload)
		if err != nil {
			return err
		}
		if err := s.admit(d); err != nil {
			return err
		}
		return reply(rmcp.PayloadOpenResponse, s.sessions.Open(m, d.from.peer, now).Append(nil))
	case rmcp.PayloadRAKP1:
		m, err := rmcp.ParseRAKP1(p.Payload)
		if err != nil {
			return err
		}
		if answer, ok := s.sessions.RAKP1(m, d.from.peer, now); ok {
			return reply(rmcp.PayloadRAKP2, answer.Append(nil))
		}
	case rmcp.PayloadRAKP3:
		m, err := rmcp.ParseRAKP3(p.Payload)
		if err != nil {
			return err
		}
		if answer, ok := s.sessions.RAKP3(m, d.from.peer, now); ok {
			return reply(rmcp.PayloadRAKP4, answer.Append(nil))
		}
	}
	return errOutside
}
