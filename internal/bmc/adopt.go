package bmc

import (
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
)

// adopt takes over what earlier processes left: the memory of actions that have
// ended, and the one that has not. Its request is handled again for what must
// follow the script, which is not run again.
func (s *Server) adopt() error {
	left, err := s.Actions.load()
	if err != nil {
		return fmt.Errorf("actions of an earlier process: %w", err)
	}
	for _, f := range left {
		a := &action{
			key:     s.replies.key(f.Request),
			askers:  f.askers,
			file:    f.path,
			asked:   s.now, // whether it runs at all is not known yet
			started: f.Began,
			own:     len(f.askers) == 0,
			request: &ipmi.Request{Request: f.Request, Session: f.Session, Now: f.Began, Time: time.Now(), Cause: f.Cause},
		}
		if f.answer != nil {
			s.replies.ended(a, ipmi.Answer{Code: f.answer.Code}, f.answer.At)
			continue
		}
		var answer ipmi.Answer
		a.command, answer = s.BMC.Resume(a.request)
		a.script = answer.Script
		if a.script == nil { // it was kept already: only the answer was not
			a.script = &ipmi.Script{Verb: f.Verb, Then: func(ipmi.Result) ipmi.Answer { return answer }}
		}
		s.Log.Warn(string(f.Verb)+" goes on: an earlier process began it", by(f.Session)...)
		s.run(a, s.Scripts.adopt(f.Verb, f.path, s.now-f.Began))
	}
	return nil
}
