package lan

import (
	"errors"
	"slices"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// via is what an action file says of a client of this front.
const via = "lan"

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
	if s.bmc.Jobs.Sessions() > session.MaxActive {
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
	once := c != nil && c.Lane == ipmi.Once && a.Code == ipmi.OK
	if once || a.Stored || a.Intent != nil || a.Question != nil || a.Later != nil {
		s.respondLater(r, c, a)
		return
	}
	s.reply(&r, c, a)
}

// respondLater answers a request when there is an answer, or when the answer is true.
func (s *Server) respondLater(r request, c *ipmi.Command, a ipmi.Answer) {
	asker := machine.Asker{User: r.user, Via: via, Peer: r.to.peer}
	switch {
	case a.Intent != nil:
		s.bmc.Jobs.Submit(*a.Intent, asker, s.call(r, c, ipmi.Answer{}))
	case a.Question != nil:
		s.bmc.Jobs.Question(a.Question.Verb, asker, jobs.Call[machine.Reading]{
			Request: r.Request,
			Answer:  func(said machine.Reading) { s.respond(r, c, a.Question.Then(said, s.bmc.Now())) },
		})
	case a.Later != nil:
		err := s.bmc.Later(func() func() {
			then := a.Later()
			return func() { s.respond(r, c, then()) }
		})
		if err != nil {
			s.log.Warn("request dropped", "user", r.user, "peer", r.to.peer, "err", err)
		}
	case c.Lane == ipmi.Once:
		s.bmc.Change(s.call(r, c, a), c.ByRqSeq(), a.Data)
	default:
		s.bmc.Stored(func(err error) {
			if err != nil {
				a = ipmi.Respond(machine.Failed)
			}
			s.reply(&r, c, a)
		})
	}
}

// call has a request wait for an outcome. Done is what it is answered if all goes well.
func (s *Server) call(r request, c *ipmi.Command, done ipmi.Answer) jobs.Call[machine.Outcome] {
	return jobs.Call[machine.Outcome]{
		Request: r.Request,
		Answer: func(o machine.Outcome) {
			a := ipmi.Respond(o)
			if o == machine.Done {
				a = done
			}
			s.reply(&r, c, a)
		},
	}
}

// callFor has a request wait for the outcome of the job that it asks for again.
func (s *Server) callFor(j *jobs.Job, r request) jobs.Call[machine.Outcome] {
	return s.call(r, ipmi.Lookup(r.message), ipmi.Answer{Data: j.Data})
}

func (s *Server) forgetSessions() {
	alive := func(id uint32) bool { return s.sessions.Find(id, s.bmc.Uptime()) != nil }
	s.bmc.Jobs.ForgetSessions(alive)
	s.answers.forgetSessions(alive)
}
