package bmc

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/session"
)

const (
	readPause = 100 * time.Millisecond
	never     = time.Duration(math.MaxInt64)
)

// network is where datagrams come from and answers go to. [Sockets] are.
type network interface {
	// receive waits for a datagram, but not longer than that, nor when somebody wakes
	// it. It tells whether one has come that can be answered.
	receive(d *datagram, wait time.Duration) (bool, error)
	// send writes an answer, or loses it, and never waits.
	send(to *address, b []byte) error
	// wake ends a receive that waits, or the next one; it is for any goroutine.
	wake()
}

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
	Sockets  network
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

	mu       sync.Mutex      // who holds it owns Sessions, BMC, and what follows
	ended    bool            // what comes of a worker is left to the next process
	until    time.Duration   // when the reader does what is due, if nothing comes before
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
	s.mu.Lock()
	defer func() {
		s.ended = true
		s.mu.Unlock()
	}()
	s.BMC.Sessions = sessions{s}
	s.BMC.Running = func() bool { return s.actions.running != nil }
	s.BMC.Provider = s.looks.provider
	s.replies, s.limits = newReplies(), newLimits()
	defer context.AfterFunc(ctx, s.Sockets.wake)()
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
	s.serve(ctx)
	return nil
}

// serve reads until there is nothing to do, or ctx ends.
func (s *Server) serve(ctx context.Context) {
	for d := new(datagram); ; {
		wait := s.rest()
		if wait <= 0 || ctx.Err() != nil {
			return
		}
		s.until = s.now + wait
		busy := s.busy()
		s.mu.Unlock()
		if busy {
			runtime.Gosched() // or another thread would have to find the worker that was just started
		}
		received, err := s.Sockets.receive(d, wait)
		if err != nil {
			s.Log.Warn("cannot read", "err", err)
			time.Sleep(readPause)
		}
		s.mu.Lock()
		s.now = s.Clock()
		if received {
			s.route(d)
		}
	}
}

// work has a worker do something, and what comes of it, unless that is for the next
// process to see.
func (s *Server) work(do func() func()) {
	s.workers.Go(func() {
		result := do()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended {
			return
		}
		s.now = s.Clock()
		result()
		if s.now+s.rest() < s.until {
			s.Sockets.wake()
		}
	})
}

// rest does what is due after something was done, and returns how long nothing else is.
func (s *Server) rest() time.Duration {
	s.tick(s.now)
	s.report()
	return s.wait(s.now)
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
