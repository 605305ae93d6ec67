package lan

import (
	"errors"
	"slices"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/lanes"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// via is what an action file says of a client of this front.
const via = "lan"

// maxRemembered is the number of remembered sessions at which those that have ended are forgotten. It is twice the number of
// sessions that can be active, so that this is done once for that many sessions that have ended.
const maxRemembered = 2 * session.MaxActive

// A request is a request in a session that wants an answer.
type request struct {
	jobs.Request
	message rmcp.Request
	to      address
	user    string
	digest  uint64 // of the datagram
}

// inSession admits an authentic packet and handles the request in it.
func (s *Server) inSession(d *datagram, p rmcp.Packet) error {
	now := s.bmc.Uptime()
	if p.Type != rmcp.PayloadIPMI && p.Type != rmcp.PayloadSOL {
		return errOutside
	}
	sess, plain, err := s.sessions.Receive(p, d.from.peer, now)
	duplicate := errors.Is(err, session.ErrDuplicate)
	if err != nil && !duplicate {
		return err
	}
	s.serial.moved(sess.ID(), &d.from)
	if p.Type == rmcp.PayloadSOL {
		return s.serialPacket(sess, p, plain, err)
	}
	m, err := rmcp.ParseRequest(plain)
	if err != nil {
		return err
	}
	if m.RsAddr != rmcp.AddressBMC {
		return errOutside
	}
	r := request{
		Request: jobs.Request{Session: sess.ID(), Sequence: p.Sequence, RqSeq: m.RqSeq, Key: ipmi.Key(m), At: now},
		message: m, to: d.from, user: sess.User().Name, digest: s.answers.digest(d.b[:d.n]),
	}
	if duplicate {
		s.duplicate(sess, r)
		return session.ErrDuplicate
	}
	s.handle(sess, r)
	return nil
}

// duplicate answers a datagram that came before as it was answered then, or with the answer
// that an earlier process may not have sent. Anybody may have sent the datagram this time.
func (s *Server) duplicate(sess *session.Session, r request) {
	if a := s.answers.again(&r, s.bmc.Uptime()); a != nil {
		s.seal(&a.to, sess, rmcp.PayloadIPMI, a.message)
		return
	}
	if r.to.peer != sess.Peer {
		return
	}
	if j := s.bmc.Jobs.Unanswered(r.Session, r.Sequence); j != nil {
		s.bmc.Jobs.Wait(j, s.callFor(j, r))
	}
}

// handle has a request answered: by the job that it asks for again, or by the handler of its
// command.
func (s *Server) handle(sess *session.Session, r request) {
	if s.bmc.Jobs.Sessions() > maxRemembered {
		s.forgetSessions()
	}
	if j := s.bmc.Jobs.Receive(r.Request); j != nil {
		if j.State == jobs.Over && !j.Outcome.Undone() {
			s.log.Info("not repeated: it has just been done", "user", r.user, "peer", r.to.peer)
		}
		s.bmc.Jobs.Join(j, s.callFor(j, r))
		return
	}
	if sess.Closing() && !ipmi.ClosesSession(r.message) {
		return
	}
	asked := s.requestOf(r.message, &r.to, viewOf(sess))
	command, answer := s.ipmi.Handle(asked)
	if level := asked.Session.Privilege; level != sess.Privilege {
		if err := s.sessions.SetPrivilege(sess, level); err != nil {
			s.log.Error("request dropped", "err", err)
			return
		}
	}
	s.respond(r, command, answer)
}

func (s *Server) requestOf(m rmcp.Request, from *address, session ipmi.Session) *ipmi.Request {
	m.Data = slices.Clone(m.Data) // it may outlive the datagram
	return &ipmi.Request{Request: m, Session: session, Now: s.bmc.Now(), Local: from.local}
}

// respond answers a request, at once or when there is an answer.
func (s *Server) respond(r request, c *ipmi.Command, a ipmi.Answer) {
	if lanes.Immediate(c, a) {
		s.reply(&r, c, a)
		return
	}
	lanes.Respond(s.bmc, s.waiting(r), c, a)
}

// waiting has a request wait for its answer.
func (s *Server) waiting(r request) lanes.Request {
	return lanes.Request{
		Request: r.Request,
		Asker:   machine.Asker{User: r.user, Via: via, Peer: r.to.peer},
		Answer:  func(c *ipmi.Command, a ipmi.Answer) { s.reply(&r, c, a) },
		Drop: func(err error) {
			s.log.Warn("request dropped", "user", r.user, "peer", r.to.peer, "err", err)
		},
	}
}

// callFor has a request wait for the outcome of the job that it asks for again.
func (s *Server) callFor(j *jobs.Job, r request) jobs.Call[machine.Outcome] {
	return lanes.Call(s.waiting(r), ipmi.Lookup(r.message), ipmi.Answer{Data: j.Data})
}

func (s *Server) forgetSessions() {
	alive := func(id uint32) bool {
		return id == ipmi.GuestSession || s.sessions.Find(id, s.bmc.Uptime()) != nil
	}
	s.bmc.Jobs.ForgetSessions(alive)
	s.answers.forgetSessions(alive)
}
