package bmc

import (
	"errors"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// route unwraps a datagram as far as it is sound, and answers it or has it wait
// for a script. Whatever is malformed, forged or none of our business is dropped
// in silence.
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
		s.Log.Debug("datagram dropped", "peer", d.from.peer, "err", err)
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

// admit fails where a packet that proves nothing is one too many to be answered.
func (s *Server) admit(d *datagram) error {
	if s.limits.allow(d.from.peer, s.now) {
		return nil
	}
	s.Log.Warn("flood: request dropped", "peer", d.from.peer)
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

// sessionless answers the few commands that need no session, in the framing in
// which they came.
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
	_, answer := s.BMC.Handle(s.requestOf(r, &d.from, ipmi.Session{}))
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
	now := s.now
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
		return reply(rmcp.PayloadOpenResponse, s.Sessions.Open(m, d.from.peer, now).Append(nil))
	case rmcp.PayloadRAKP1:
		m, err := rmcp.ParseRAKP1(p.Payload)
		if err != nil {
			return err
		}
		if answer, ok := s.Sessions.RAKP1(m, d.from.peer, now); ok {
			return reply(rmcp.PayloadRAKP2, answer.Append(nil))
		}
	case rmcp.PayloadRAKP3:
		m, err := rmcp.ParseRAKP3(p.Payload)
		if err != nil {
			return err
		}
		if answer, ok := s.Sessions.RAKP3(m, d.from.peer, now); ok {
			return reply(rmcp.PayloadRAKP4, answer.Append(nil))
		}
	}
	return errOutside
}

// inSession admits an authentic packet and handles the request in it.
func (s *Server) inSession(d *datagram, p rmcp.Packet) error {
	now := s.now
	if p.Type != rmcp.PayloadIPMI {
		return errOutside
	}
	sess, plain, err := s.Sessions.Receive(p, d.from.peer, now)
	duplicate := errors.Is(err, session.ErrDuplicate)
	if err != nil && !duplicate {
		return err
	}
	r, err := rmcp.ParseRequest(plain)
	if err != nil {
		return err
	}
	if r.RsAddr != rmcp.AddressBMC {
		return errOutside
	}
	w := waiter{
		to: d.from, user: sess.User().Name, came: now,
		session: sess.ID(), sequence: p.Sequence, missing: sess.Missing(p.Sequence), digest: s.replies.digest(d.b[:d.n]),
		key: s.replies.key(r), request: r,
	}
	if duplicate {
		s.duplicate(sess, w, now)
		return session.ErrDuplicate
	}
	if c := ipmi.Lookup(r); c != nil && (c.Lane == ipmi.Query || c.Lane == ipmi.Action) {
		return s.handleLater(w)
	}
	s.handle(sess, w)
	return nil
}

// duplicate answers a datagram that came before as it was answered then, or as an
// earlier process owes it. Anybody may have sent it this time.
func (s *Server) duplicate(sess *session.Session, w waiter, now time.Duration) {
	w.request.Data = nil // it is the datagram's
	if a := s.replies.again(&w, now); a != nil {
		s.seal(&a.to, sess, a.message)
	} else if w.to.peer != sess.Peer {
		return
	} else if a := s.actions.running; a != nil && a.settlesDebt(&w) {
		w.command = a.command
		a.waiters.join(w)
		s.expire(now)
	} else if past := s.replies.owed(&w); past != nil {
		s.reply(&w, nil, past.answer)
	}
}
