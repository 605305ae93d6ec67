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
	for sess := range s.Sessions.All(s.Clock()) {
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
	now := situation{sessions: s.Sessions.Active(s.Clock()), last: s.last}
	if j := s.actions.running; j != nil {
		now.running = j.script.Verb
	}
	if now != s.told {
		s.told = now
		s.Status(now.String())
	}
}

// logResult writes what a script did for whom.
func (s *Server) logResult(f finished) {
	verb, asked := string(f.script.Verb), f.request.Session
	who := []any{"took", (s.Clock() - f.started).Round(time.Millisecond), "user", asked.User, "peer", asked.Peer}
	var says any
	switch f.script.Verb {
	case provider.Status:
		says = "off"
		if f.result.On {
			says = "on"
		}
	case provider.BootGet:
		says = f.result.Device
	}
	ended := "done"
	switch {
	case f.result.Err != nil:
		ended = "failed"
		s.Log.Error(verb+" failed", append([]any{"err", f.result.Err}, who...)...)
	case says != nil:
		s.Log.Info(verb, append([]any{"says", says}, who...)...)
	default:
		s.Log.Info(verb+" done", who...)
	}
	s.last = fmt.Sprintf("%s %s for %s at %s", verb, ended, asked.User, asked.Peer.Addr())
}
