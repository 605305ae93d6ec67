package bmc

import (
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/session"
)

// sessions shows the table of sessions to the commands.
type sessions struct{ *Server }

// List implements ipmi.Sessions.
func (s sessions) List() []ipmi.Session {
	var all []ipmi.Session
	for sess := range s.Sessions.All(s.now) {
		all = append(all, viewOf(sess))
	}
	return all
}

func viewOf(s *session.Session) ipmi.Session {
	return ipmi.Session{
		ID:        s.ID(),
		Handle:    s.Handle(),
		UserID:    s.User().ID,
		User:      s.User().Name,
		Privilege: s.Privilege,
		Limit:     s.Limit,
		Peer:      s.Peer,
	}
}

// A situation is what the operator is told about.
type situation struct {
	sessions int
	running  provider.Verb
	last     string
}

func (t situation) String() string {
	text := fmt.Sprintf("%d sessions", t.sessions)
	if t.sessions == 1 {
		text = "1 session"
	}
	switch {
	case t.running != "":
		text += fmt.Sprintf("; %s runs", t.running)
	case t.last != "":
		text += "; last: " + t.last
	}
	return text
}

// report tells the operator when something has changed.
func (s *Server) report() {
	now := situation{sessions: s.Sessions.Active(s.now), last: s.last}
	if a := s.actions.running; a != nil {
		now.running = a.script.Verb
	}
	if now != s.told {
		s.told = now
		s.Status(now.String())
	}
}

// by is who asked, for the log.
func by(asked ipmi.Session) []any {
	who := []any{"user", asked.User}
	if asked.Peer.IsValid() {
		who = append(who, "peer", asked.Peer)
	}
	return who
}

// logResult writes what a script did for whom.
func (s *Server) logResult(verb provider.Verb, asked ipmi.Session, took time.Duration, r ipmi.Result) {
	who := append([]any{"took", took.Round(time.Millisecond)}, by(asked)...)
	ended := "done"
	switch {
	case r.Err != nil:
		ended = "failed"
		s.Log.Error(string(verb)+" failed", append([]any{"err", r.Err}, who...)...)
	case verb == provider.Status && r.On:
		s.Log.Info(string(verb), append([]any{"says", "on"}, who...)...)
	case verb == provider.Status:
		s.Log.Info(string(verb), append([]any{"says", "off"}, who...)...)
	case verb == provider.BootGet:
		s.Log.Info(string(verb), append([]any{"says", r.Device}, who...)...)
	default:
		s.Log.Info(string(verb)+" done", who...)
	}
	s.last = fmt.Sprintf("%s %s for %s", verb, ended, asked.User)
	if asked.Peer.IsValid() {
		s.last += " at " + asked.Peer.Addr().String()
	}
}
