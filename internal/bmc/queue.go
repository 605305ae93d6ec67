package bmc

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	maxWaiters = 64 // of one script
	never      = time.Duration(math.MaxInt64)
)

// A waiter is a request that wants an answer.
type waiter struct {
	to       address
	user     string
	session  uint32
	sequence uint32 // of the packet in its session
	digest   uint64 // of the datagram
	key      uint64 // of the request's content
	request  rmcp.Request
	then     func(ipmi.Result) ipmi.Answer
}

// A job is a script that runs or waits to, and the requests that wait for it.
type job struct {
	command *ipmi.Command
	request *ipmi.Request // the first
	script  *ipmi.Script
	waiters []waiter
	started time.Duration
	epoch   int // of queries: see Server.epoch

	// Of actions only:
	key      uint64
	askers   []asker
	pace     pace
	deadline time.Duration // when the waiters get an answer at the latest
	file     string
}

// A queue is a lane: the job that runs, and those that wait for it to end.
type queue struct {
	running *job
	waiting []*job
}

// A finished is a job and what came of its script.
type finished struct {
	*job
	result ipmi.Result
}

// join adds a waiter. A request that was repeated waits once, since every
// console takes the answer to its latest.
func (j *job) join(w waiter) {
	same := func(o waiter) bool { return o.session == w.session && o.request.RqSeq == w.request.RqSeq }
	if i := slices.IndexFunc(j.waiters, same); i >= 0 {
		j.waiters[i] = w
	} else if len(j.waiters) < maxWaiters {
		j.waiters = append(j.waiters, w)
	}
}

// ask is join for an action.
func (j *job) ask(w waiter, now time.Duration) {
	j.join(w)
	j.pace.step(now)
	i := slices.IndexFunc(j.askers, func(a asker) bool { return a.session == w.session })
	if i < 0 {
		j.askers = append(j.askers, asker{session: w.session})
		i = len(j.askers) - 1
	}
	j.askers[i].rqSeqs |= 1 << w.request.RqSeq
}

func (j *job) askedBy(session uint32) bool {
	return slices.ContainsFunc(j.askers, func(a asker) bool { return a.session == session })
}

// query has a query run for w. It joins one that waits; one that runs may have
// begun before an action began or ended, and then does not know of it.
func (s *Server) query(j *job, w waiter) {
	sameVerb := func(o *job) bool { return o.script.Verb == j.script.Verb }
	if r := s.queries.running; r != nil && sameVerb(r) && r.epoch == s.epoch {
		r.join(w)
		return
	}
	if i := slices.IndexFunc(s.queries.waiting, sameVerb); i >= 0 {
		j = s.queries.waiting[i]
	} else {
		s.queries.waiting = append(s.queries.waiting, j)
	}
	j.join(w)
	s.advance()
}

// act has an action run for w, once: a request that is repeated joins, or gets
// the answer that it should have had. One that differs waits for its turn, and
// there is one place to wait.
func (s *Server) act(j *job, w waiter) {
	now := s.Clock()
	var next *job
	if len(s.actions.waiting) > 0 {
		next = s.actions.waiting[0]
	}
	switch running := s.actions.running; {
	case next != nil && next.key == j.key:
		next.ask(w, now)
	case running != nil && running.key == j.key && (next == nil || running.askedBy(w.session)):
		running.ask(w, now)
		s.expire(now)
	case next != nil:
		s.reply(&w, j.command, ipmi.Answer{Code: ipmi.NodeBusy})
	default:
		if done := s.replies.repeats(&w, now); done != nil {
			s.Log.Info(string(j.script.Verb)+" not repeated: it has just run", "user", w.user, "peer", w.to.peer)
			s.reply(&w, j.command, ipmi.Answer{Code: done.code})
			return
		}
		j.pace.seen, j.deadline = now, now+s.Answer
		j.ask(w, now)
		s.actions.waiting = append(s.actions.waiting, j)
		s.advance()
	}
}

// advance starts the next job of each lane where nothing runs.
func (s *Server) advance() {
	for _, q := range []*queue{&s.queries, &s.actions} {
		for q.running == nil && len(q.waiting) > 0 {
			j := q.waiting[0]
			q.waiting = q.waiting[1:]
			s.start(q, j)
		}
	}
}

// perform has an action run that no console asked for.
func (s *Server) perform(r *ipmi.Request) {
	command, answer := s.BMC.Handle(r)
	if answer.Script == nil {
		s.Log.Error(command.Name+" refused", "code", answer.Code, "user", r.Session.User)
		return
	}
	s.actions.waiting = append(s.actions.waiting, &job{
		command: command, request: r, script: answer.Script, key: s.replies.key(r.Request), deadline: never,
	})
	s.advance()
}

// start begins a job. What an action has to do is asked for again, since it may
// have waited for one that changed it; and it needs its marker first.
func (s *Server) start(q *queue, j *job) {
	j.started = s.Clock()
	if j.command.Lane == ipmi.Action {
		_, answer := s.BMC.Handle(j.request)
		if answer.Script == nil {
			s.settle(j, answer)
			return
		}
		j.script = answer.Script
		file, err := s.Actions.begin(j)
		if err != nil {
			s.Log.Error(string(j.script.Verb)+" refused", "err", err)
			s.settle(j, ipmi.Answer{Code: ipmi.Unspecified})
			return
		}
		j.file = file
		s.Log.Info(string(j.script.Verb)+" begins", "user", j.request.Session.User, "peer", j.request.Session.Peer)
	}
	s.run(q, j, s.Scripts.start(j))
}

func (s *Server) run(q *queue, j *job, script func(context.Context) ipmi.Result) {
	q.running = j
	if q == &s.actions {
		s.epoch++
	}
	j.epoch = s.epoch
	s.workers.Go(func() { s.results <- finished{j, script(s.scripts)} })
}

// finish takes the result of a script and starts what waits for the lane.
func (s *Server) finish(f finished) {
	f.result.Time = time.Now()
	s.logResult(f)
	if f.command.Lane == ipmi.Query {
		s.queries.running = nil
		for i := range f.waiters {
			w := &f.waiters[i]
			s.reply(w, f.command, w.then(f.result))
		}
	} else {
		s.actions.running = nil
		s.epoch++
		now, answer := s.Clock(), f.script.Then(f.result)
		if err := s.Actions.end(f.file, answer.Code, now); err != nil {
			s.Log.Error("result not kept", "err", err)
		}
		s.replies.ended(f.job, answer.Code, now)
		s.settle(f.job, answer)
	}
	s.advance()
}

// settle answers all who wait for a job.
func (s *Server) settle(j *job, answer ipmi.Answer) {
	waiters := j.waiters
	j.waiters = nil
	for i := range waiters {
		s.reply(&waiters[i], j.command, answer)
	}
}

// expire does what is due. It answers those who have waited long enough for an action: one that runs
// is accepted, one that has not begun never will.
func (s *Server) expire(now time.Duration) {
	if left, running := s.BMC.WatchdogLeft(now); running && left == 0 {
		if r := s.BMC.WatchdogExpired(now, time.Now()); r != nil {
			s.perform(r)
		}
	}
	if j := s.actions.running; j != nil && now >= j.deadline {
		s.settle(j, ipmi.Answer{Code: ipmi.OK})
	}
	s.actions.waiting = slices.DeleteFunc(s.actions.waiting, func(j *job) bool {
		if now < j.deadline {
			return false
		}
		s.settle(j, ipmi.Answer{Code: ipmi.NodeBusy})
		return true
	})
}
