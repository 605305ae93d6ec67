package lan

import (
	"errors"
	"syscall"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/lanes"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// reply answers one request, and then ends the sessions that it ends.
func (s *Server) reply(r *request, c *ipmi.Command, a ipmi.Answer) {
	if a.Code != ipmi.OK && !lanes.Probing(c, a.Code) {
		s.log.Warn(c.Name+" refused", "code", a.Code, "user", r.user, "peer", r.to.peer)
	}
	now := s.bmc.Uptime()
	if sess := s.sessions.Find(r.Session, now); sess != nil {
		s.message = r.message.AppendResponse(s.message[:0], byte(a.Code), a.Data)
		s.answers.put(r, s.message, now)
		s.seal(&r.to, sess, rmcp.PayloadIPMI, s.message)
	}
	for _, id := range a.Ends {
		s.end(id, r)
	}
}

// end ends a session for r. A client that closes its own session is not logged.
func (s *Server) end(id uint32, r *request) {
	now := s.bmc.Uptime()
	sess := s.sessions.Find(id, now)
	if sess == nil || sess.Closing() {
		return
	}
	if id != r.Session {
		s.log.Info("session closed", "session", sess, "user", sess.User().Name, "peer", sess.Peer, "by", r.user,
			event.Event{Kind: event.Logout, Via: via}.Attr())
	}
	if err := s.sessions.End(sess, now); err != nil {
		s.log.Error("session not ended", "err", err)
	}
	s.bmc.Jobs.Leave(id)
}

func (s *Server) seal(to *address, sess *session.Session, kind rmcp.PayloadType, payload []byte) {
	b, err := s.sessions.Seal(s.out[:0], sess, kind, payload)
	if err != nil {
		s.log.Error("packet dropped", "err", err)
		return
	}
	s.send(to, b)
}

// send writes an answer. A client repeats a request whose answer is lost.
func (s *Server) send(to *address, b []byte) {
	s.out, s.to = b, *to
	s.bmc.Answered()
	switch err := s.network.send(&s.to, b); {
	case errors.Is(err, syscall.EAGAIN):
		s.log.Debug("answer lost: too many wait to be sent", "peer", to.peer)
	case err != nil:
		s.log.Warn("cannot answer", "peer", to.peer, "err", err)
	}
}
