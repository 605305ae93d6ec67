package bmc

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/session"
)

const (
	inFlight  = 64 // datagrams that wait for the owner; the others wait in the socket
	readPause = 100 * time.Millisecond
	never     = time.Duration(math.MaxInt64)
)

// scripts looks at the provider, and prepares the scripts that workers run, or that
// an earlier process began. A [Scripts] does. One look ends before the next begins.
type scripts interface {
	look(context.Context) (*provider.Runner, error)
	query(*provider.Runner, provider.Verb) func(context.Context) ipmi.Result
	action(runner *provider.Runner, script *ipmi.Script, file string) func(context.Context) ipmi.Result
	adopt(verb provider.Verb, file string, ago time.Duration) func(context.Context) ipmi.Result
}

// A Server serves one BMC. All fields must be set before Run.
type Server struct {
	Conns    []Conn
	Sessions *session.Table
	BMC      *ipmi.BMC // its Sessions, Running and Provider are set by Run
	Scripts  scripts
	Actions  *Actions
	Idle     time.Duration // without an answered datagram, until Run returns
	Answer   time.Duration // after which Chassis Control is answered, done or not
	Restore  bool          // the power restore policy can be carried out now
	// Clock counts from the boot of the host, while it sleeps too.
	Clock func() time.Duration
	// Status tells the operator in a few words what goes on.
	Status func(string)
	// Alive tells a supervisor that the owner works, once in AliveEvery at least from
	// the beginning of Run on; never if that is 0.
	Alive      func()
	AliveEvery time.Duration
	Log        *slog.Logger

	in, free chan *datagram
	results  chan func()     // what the owner has to do when a script has ended
	scripts  context.Context // of queries, and of waiting for actions
	workers  sync.WaitGroup
	looks    looks
	queries  queries
	actions  actions
	epoch    int // counts the beginnings and the ends of actions
	replies  replies
	limits   *limits
	now      time.Duration // when what the owner works on came: to ask the clock is a system call
	answered time.Duration // when something was last answered
	alive    time.Duration // when Alive was last called
	message  []byte        // scratch for answers
	out      []byte        // scratch for datagrams
	to       address       // where out goes
	told     situation
	last     string // what the last script did
}

// Run serves until ctx is cancelled or the BMC is idle. Neither is an error.
// What must outlast the process is in its files at any time; an action that
// still runs is left to the next process.
func (s *Server) Run(ctx context.Context) error {
	var cancel context.CancelFunc
	s.scripts, cancel = context.WithCancel(context.Background())
	defer s.workers.Wait() // a query must not be left behind
	defer cancel()
	s.BMC.Sessions = sessions{s}
	s.BMC.Running = func() bool { return s.actions.running != nil }
	s.BMC.Provider = s.looks.provider
	s.replies, s.limits = newReplies(), newLimits()
	s.results = make(chan func(), maxActions) // more than there are workers: none waits for the owner
	buffers := inFlight + len(s.Conns)        // a reader holds one while it waits
	s.in = make(chan *datagram, buffers)      // nor does a reader,
	s.free = make(chan *datagram, buffers)    // but for a free buffer
	for range buffers {
		s.free <- new(datagram)
	}
	s.now = s.Clock()
	s.answered, s.alive = s.now, s.now
	s.replies.recalled(&s.BMC.State.Changed, s.now)
	if err := s.adopt(); err != nil {
		return err
	}
	if s.Restore {
		if r := s.BMC.AtBoot(s.now, time.Now()); r != nil {
			s.perform(r)
		}
	}
	for {
		stop := s.reading()
		s.serve(ctx)
		stop()
		if !s.drain() || ctx.Err() != nil {
			return nil
		}
	}
}

// serve is the owner. It returns when there is nothing to do, or ctx ends.
func (s *Server) serve(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case d := <-s.in:
			s.handOver(d)
			for range len(s.in) { // they came in a flood: what follows is for all of them
				s.handOver(<-s.in)
			}
		case result := <-s.results:
			s.now = s.Clock()
			result()
		case <-timer.C:
			s.now = s.Clock()
		case <-ctx.Done():
			return
		}
		s.tick(s.now) // not left to the timer, which a flood sets anew all the time
		s.report()
		wait := s.wait(s.now)
		if wait <= 0 {
			return
		}
		timer.Reset(wait)
	}
}

// handOver routes a datagram and gives its buffer back to the readers.
func (s *Server) handOver(d *datagram) {
	s.now = s.Clock()
	s.route(d)
	s.free <- d
}

// drain takes what the readers had read when they were stopped, and tells
// whether that was a reason to go on.
func (s *Server) drain() bool {
	before := s.answered
	for {
		select {
		case d := <-s.in:
			s.handOver(d)
		default:
			return s.answered != before || s.busy()
		}
	}
}

// work has a worker do something, and the owner what comes of it.
func (s *Server) work(do func() func()) {
	s.workers.Go(func() { s.results <- do() })
}

// tick does what is due.
func (s *Server) tick(now time.Duration) {
	if left, running := s.BMC.WatchdogLeft(now); running && left == 0 {
		if r := s.BMC.WatchdogExpired(now, time.Now()); r != nil {
			s.perform(r)
		}
	}
	s.expire(now)
	if now >= s.aliveDue() {
		s.alive = now
		s.Alive()
	}
}

// aliveDue is when Alive is to be called next.
func (s *Server) aliveDue() time.Duration {
	if s.AliveEvery == 0 {
		return never
	}
	return s.alive + s.AliveEvery
}

// wait is how long nothing will be due; 0 means for ever: the BMC is idle. The
// watchdog is waited for; so is a key exchange, if only to tell why it came to
// nothing; so are those who failed in theirs, for the next process would let them
// begin anew; and so is a repetition of a change, which it would make again.
func (s *Server) wait(now time.Duration) time.Duration {
	left, watchdog := s.BMC.WatchdogLeft(now)
	until := max(s.answered+s.Idle, s.replies.until)
	switch {
	case watchdog:
		until = now + left
	case s.busy():
		until = now + s.Idle
	case s.Sessions.HalfOpen(now) || s.Sessions.BacksOff(now):
		until = max(until, now+time.Second)
	case now >= until:
		return 0
	}
	return max(min(until, s.due(), s.aliveDue())-now, time.Millisecond)
}

// busy tells that a script runs, or is about to.
func (s *Server) busy() bool {
	return s.looks.running || s.queries.running != nil || s.actions.running != nil
}
