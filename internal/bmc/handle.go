package bmc

import (
	"errors"
	"syscall"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// handle runs the handler of a request and answers, unless a script must run
// first.
func (s *Server) handle(sess *session.Session, w waiter) {
	now := s.now
	if len(s.replies.histories) > session.MaxActive {
		s.replies.forget(func(id uint32) bool { return s.Sessions.Find(id, now) != nil })
	}
	s.replies.dispatched(&w, s.actions.running)
	if s.repeated(w) || sess.Closing() && !ipmi.ClosesSession(w.request) {
		return
	}
	request := s.requestOf(w.request, &w.to, viewOf(sess))
	if !s.replies.history(w.session).constant { // or it could not be told from the next
		request.Sequence = w.sequence
	}
	command, answer := s.BMC.Handle(request)
	if level := request.Session.Privilege; level != sess.Privilege {
		if err := s.Sessions.SetPrivilege(sess, level); err != nil {
			s.Log.Error("request dropped", "err", err)
			return
		}
	}
	if answer.Script == nil {
		if answer.Code == ipmi.OK && (command.Lane == ipmi.Change || command.Lane == ipmi.Append) {
			s.replies.changed(&w, command.Lane, answer)
		}
		s.reply(&w, command, answer)
		return
	}
	w.request, w.command, w.then = request.Request, command, answer.Script.Then
	if command.Lane == ipmi.Action {
		s.do(&action{key: w.key, command: command, request: request, script: answer.Script}, w)
	} else {
		s.ask(answer.Script.Verb, request.Session, w)
	}
}

func (s *Server) requestOf(r rmcp.Request, from *address, session ipmi.Session) *ipmi.Request {
	return &ipmi.Request{Request: r, Session: session, Now: s.now, Time: time.Now(), Local: from.local}
}

// reply answers one request, and then ends the sessions that it ends.
func (s *Server) reply(w *waiter, command *ipmi.Command, answer ipmi.Answer) {
	if answer.Code != ipmi.OK && !probing(command, answer.Code) {
		s.Log.Warn(command.Name+" refused", "code", answer.Code, "user", w.user, "peer", w.to.peer)
	}
	now := s.now
	if sess := s.Sessions.Find(w.session, now); sess != nil {
		s.message = w.request.AppendResponse(s.message[:0], byte(answer.Code), answer.Data)
		s.replies.answered(w, s.message, now)
		s.seal(&w.to, sess, s.message)
	}
	for _, id := range answer.Ends {
		s.end(id, w, now)
	}
}

// probing tells whether a refusal is no news: consoles probe for extensions, channels
// and parameters.
func probing(c *ipmi.Command, code ipmi.Code) bool {
	return c == nil || c.Lane == ipmi.Inline && c.Privilege < rmcp.Administrator && code != ipmi.InsufficientPrivilege
}

// end ends a session for w. That a console closes its own is no news.
func (s *Server) end(id uint32, w *waiter, now time.Duration) {
	sess := s.Sessions.Find(id, now)
	if sess == nil || sess.Closing() {
		return
	}
	if id != w.session {
		s.Log.Info("session closed", "session", sess, "user", sess.User().Name, "peer", sess.Peer, "by", w.user)
	}
	if err := s.Sessions.End(sess, now); err != nil {
		s.Log.Error("session not ended", "err", err)
	}
}

func (s *Server) seal(to *address, sess *session.Session, message []byte) {
	b, err := s.Sessions.Seal(s.out[:0], sess, message)
	if err != nil {
		s.Log.Error("answer dropped", "err", err)
		return
	}
	s.send(to, b)
}

// send writes an answer. A console repeats a request whose answer is lost.
func (s *Server) send(to *address, b []byte) {
	s.out, s.to = b, *to
	s.answered = s.now
	switch err := s.Sockets.send(&s.to, b); {
	case errors.Is(err, syscall.EAGAIN):
		s.Log.Debug("answer lost: too many wait to be sent", "peer", to.peer)
	case err != nil:
		s.Log.Warn("cannot answer", "peer", to.peer, "err", err)
	}
}
