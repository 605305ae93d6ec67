package bmc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// An action is a script that changes the managed system, and all who asked for it.
type action struct {
	waiters
	askers
	key     uint64
	command *ipmi.Command
	request *ipmi.Request // the first
	script  *ipmi.Script
	asked   time.Duration
	started time.Duration
	file    string                  // see Actions
	abort   context.CancelCauseFunc // kills the script
	own     bool                    // nobody asked: the BMC did
}

// actions is the lane of actions: the one that runs, and those that wait.
type actions struct {
	running *action
	waiting []*action
}

// repeated recognizes a request that a session repeats, and joins it to its action
// or gives it the answer that it should have had.
func (s *Server) repeated(w waiter) bool {
	w.request.Data = nil // it is the datagram's
	if a := s.actions.find(w.key, w.session); a != nil && a.askers.find(w.session) != nil {
		w.command = a.command
		s.join(a, w)
		return true
	}
	if past := s.replies.repeats(&w); past != nil {
		s.Log.Info("not repeated: it has just been done", "user", w.user, "peer", w.to.peer)
		s.reply(&w, nil, past.answer)
		return true
	}
	return false
}

// do has an action run for w. Where another session has asked for the same, w
// joins; one that differs waits for its turn. One may wait so; for more the BMC is
// busy.
func (s *Server) do(a *action, w waiter) {
	if joined := s.actions.find(a.key, w.session); joined != nil {
		s.join(joined, w)
		return
	}
	if slices.ContainsFunc(s.actions.waiting, func(o *action) bool { return !o.own }) {
		s.reply(&w, w.command, ipmi.Answer{Code: ipmi.NodeBusy})
		return
	}
	s.supersede(a)
	a.asked = s.now
	s.actions.waiting = append(s.actions.waiting, a)
	s.join(a, w)
	s.nextAction()
}

// supersede cuts a shutdown short for an action that does not ask the guest: it was
// asked long enough.
func (s *Server) supersede(a *action) {
	forced := a.script.Verb == provider.Off || a.script.Verb == provider.Reset || a.script.Verb == provider.Cycle
	if r := s.actions.running; r != nil && r.script.Verb == provider.Shutdown && forced {
		r.abort(provider.ErrSuperseded)
	}
}

// find returns the action that a request asks for, if it waits or runs. It does
// not run any more for a session that did not ask for it, once another waits: for
// that session it would come after the other.
func (l *actions) find(key uint64, session uint32) *action {
	for _, a := range l.waiting {
		if a.key == key {
			return a
		}
	}
	if r := l.running; r != nil && r.key == key && (len(l.waiting) == 0 || r.askers.find(session) != nil) {
		return r
	}
	return nil
}

// join adds a request to an action. Who asked is kept with the marker before there
// can be an answer.
func (s *Server) join(a *action, w waiter) {
	who, fresh := a.askers.with(&w)
	who.Constant = who.Constant || s.replies.history(w.session).constant
	if fresh && a.file != "" {
		if err := s.Actions.asked(a.file, who); err != nil {
			s.Log.Error("request dropped", "err", err)
			return
		}
	}
	a.askers.put(who)
	a.waiters.join(w)
	s.expire(s.now)
}

// perform has an action run that no console asked for, and that can wait until the
// provider's files can be read.
func (s *Server) perform(r *ipmi.Request) {
	s.look(func() {
		if errors.Is(s.looks.err, context.DeadlineExceeded) {
			s.perform(r)
			return
		}
		command, answer := s.BMC.Handle(r)
		if answer.Script == nil {
			s.Log.Error(command.Name+" refused", "code", answer.Code, "user", r.Session.User)
			return
		}
		a := &action{
			key: s.replies.key(r.Request), command: command, request: r, script: answer.Script, asked: s.now, own: true,
		}
		s.supersede(a)
		s.actions.waiting = append(s.actions.waiting, a)
		s.nextAction()
	})
}

// nextAction starts the next action. What it has to do is asked for again, since
// the one before may have changed that; and it needs its marker first.
func (s *Server) nextAction() {
	for s.actions.running == nil && len(s.actions.waiting) > 0 {
		a := s.actions.waiting[0]
		s.actions.waiting = s.actions.waiting[1:]
		_, answer := s.BMC.Handle(a.request)
		if answer.Script == nil {
			s.settle(&a.waiters, same(answer))
			continue
		}
		a.script, a.started = answer.Script, s.now
		var err error
		if a.file, err = s.Actions.begin(a); err != nil {
			s.Log.Error(string(a.script.Verb)+" refused", "err", err)
			s.settle(&a.waiters, same(ipmi.Answer{Code: ipmi.Unspecified}))
			continue
		}
		s.Log.Info(string(a.script.Verb)+" begins", by(a.request.Session)...)
		s.run(a, s.Scripts.action(s.looks.runner, a.script, a.file))
	}
}

// run has a worker run the script of an action, or wait for it.
func (s *Server) run(a *action, script func(context.Context) ipmi.Result) {
	ctx, abort := context.WithCancelCause(s.scripts)
	a.abort = abort
	s.actions.running = a
	s.epoch++
	s.work(func() func() {
		defer abort(nil)
		result := script(ctx)
		return func() { s.actionEnded(a, result) }
	})
}

// actionEnded keeps the answer, and then gives it.
func (s *Server) actionEnded(a *action, result ipmi.Result) {
	now := s.now
	result.Time = time.Now()
	s.logResult(a.script.Verb, a.request.Session, now-a.started, result)
	if s.actions.running == a { // or it is one of several that an earlier process left
		s.actions.running = nil
	}
	s.epoch++
	answer := a.script.Then(result)
	if answer.Undone {
		s.Actions.forget(a.file)
	} else {
		if err := s.Actions.end(a.file, answer.Code, now); err != nil {
			s.Log.Error("result not kept", "err", err)
		}
		s.replies.ended(a, answer, now)
	}
	s.settle(&a.waiters, same(answer))
	s.nextAction()
}

// expire answers those who have waited long enough for an action. A power action
// that runs is accepted; one that has not begun never will.
func (s *Server) expire(now time.Duration) {
	if a := s.actions.running; a != nil && a.script.Accept && now-a.asked >= s.Answer {
		s.settle(&a.waiters, same(ipmi.Answer{}))
	}
	kept := s.actions.waiting[:0]
	for _, a := range s.actions.waiting {
		if now-a.asked >= s.Answer {
			s.settle(&a.waiters, same(ipmi.Answer{Code: ipmi.NodeBusy}))
			if !a.own {
				continue
			}
		}
		kept = append(kept, a)
	}
	s.actions.waiting = kept
}

// due is when expire has something to do next.
func (s *Server) due() time.Duration {
	until := never
	if a := s.actions.running; a != nil && a.script.Accept && len(a.waiters) > 0 {
		until = a.asked + s.Answer
	}
	for _, a := range s.actions.waiting {
		if len(a.waiters) > 0 {
			until = min(until, a.asked+s.Answer)
		}
	}
	return until
}
