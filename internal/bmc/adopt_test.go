package bmc

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// A successor is a BMC process that takes over real action files. It implements [Scripts], [Runner] and [Companion].
type successor struct {
	*testing.T
	bmc     *BMC
	actions *actionlog.Log
	ran     []string // what happened to scripts, in that order
	over    map[string]machine.Outcome
	busy    bool          // so that no script runs
	adopted time.Duration // how long the script of an earlier process goes on
	loading func()        // is called before a script begins
	acting  func()        // is called while a script runs
	result  error         // of scripts
}

func newSuccessor(t *testing.T) *successor {
	s := &successor{T: t, over: make(map[string]machine.Outcome), loading: func() {}, acting: func() {}}
	s.actions = &actionlog.Log{Dir: t.TempDir(), HostBoot: "first"}
	begin := time.Now()
	log := slog.New(slog.DiscardHandler)
	s.bmc = New(Config{
		Record:  func(machine.Entry) []byte { return nil },
		Machine: &machine.Machine{HostBoot: "first", ActionLimit: time.Minute, Log: log},
		Scripts: s,
		Actions: s.actions,
		Save:    func(machine.State) error { return nil },
		Clock:   func() time.Duration { return time.Hour + time.Since(begin) },
		Idle:    time.Second, Answer: 2 * time.Second, Query: time.Second, Action: time.Minute,
		Media: time.Minute, Logins: media.Logins{Dir: t.TempDir()},
		Status: func(string) {}, Alive: func() {}, Log: log,
	})
	return s
}

// run runs the process until it is idle, and returns what the files say then.
func (s *successor) run() []actionlog.Record {
	require.NoError(s, s.bmc.Run(s.Context(), make(quietFront, 1), s))
	all, err := s.actions.Load()
	require.NoError(s, err)
	return all
}

// promised leaves the file of an action that an earlier process promised.
func (s *successor) promised(v provider.Verb, at time.Duration) string {
	path, err := s.actions.Promise(s.record(v, at))
	require.NoError(s, err)
	return path
}

// fill has the disk be full for a file.
func (s *successor) fill(path string) {
	require.NoError(s, os.Remove(path))
	require.NoError(s, os.Symlink("/dev/full", path))
}

func (s *successor) record(v provider.Verb, at time.Duration) actionlog.Record {
	return actionlog.Record{
		Began: at, Intent: machine.Intent{Verb: v}, Asker: machine.Asker{User: "admin", Via: "redfish"},
		Callers: jobs.Callers{{Session: 1, Key: uint64(at), RqSeqs: 1, Latest: at}},
	}
}

func (s *successor) Load(context.Context) (Runner, error) {
	s.loading()
	if s.busy {
		return nil, provider.ErrBusy
	}
	return s, nil
}

func (s *successor) Adopt(ctx context.Context, v provider.Verb, path string) error {
	s.ran = append(s.ran, "adopted "+string(v))
	select {
	case <-time.After(s.adopted):
	case <-ctx.Done():
	}
	s.ran = append(s.ran, "ended "+string(v))
	return context.Cause(ctx)
}

func (*successor) Former() provider.Boot  { return provider.Boot{} }
func (*successor) ForgetFormer()          {}
func (*successor) Has(provider.Verb) bool { return true }

func (*successor) Sensors() (none provider.Sensors) { return none }

func (*successor) Query(context.Context, provider.Verb, provider.Args) machine.Reading {
	return machine.Reading{Has: true}
}

// Act implements [Runner]: the file says that the turn of the action has come.
func (s *successor) Act(ctx context.Context, v provider.Verb, _ provider.Args, file *actionlog.File) error {
	text, err := os.ReadFile(file.Path())
	require.NoError(s, err)
	require.Contains(s, string(text), "\nturn: ")
	require.NotNil(s, actionlog.Last([]string{file.Path()}), "it has begun")
	s.ran = append(s.ran, "ran "+string(v))
	s.acting()
	return cmp.Or(context.Cause(ctx), s.result)
}

func (*successor) NeededUntil() time.Duration { return 0 }
func (*successor) Sessions() int              { return 0 }
func (*successor) Leave()                     {}
func (s *successor) JobOver(j *jobs.Job)      { s.over[j.Path] = j.Outcome }

func TestTheNextProcessCarriesOutAPromise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		path := s.promised(provider.Reset, time.Minute)
		all := s.run()
		require.Equal(t, []string{"ran power reset"}, s.ran)
		require.Equal(t, map[string]machine.Outcome{path: machine.Done}, s.over)
		require.Len(t, all, 1)
		require.False(t, all[0].Promised)
		require.Equal(t, time.Hour, all[0].Began)
		require.Equal(t, machine.Done, all[0].Answer.Outcome)

		again := newSuccessor(t)
		again.actions.Dir = s.actions.Dir
		again.run()
		require.Empty(t, again.ran)
		require.Equal(t, s.over, again.over)
	})
}

// The promise is older than the action that began meanwhile by itself.
func TestAPromiseWaitsForTheScriptOfAnEarlierProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		s.adopted = 10 * time.Second
		s.promised(provider.Reset, time.Minute)
		running, err := s.actions.Begin(s.record(provider.On, 2*time.Minute))
		require.NoError(t, err)
		require.NoError(t, running.Close())
		s.bmc.Action = 2 * time.Hour // of which one has passed
		s.run()
		require.Equal(t, []string{"adopted power on", "ended power on", "ran power reset"}, s.ran)
	})
}

// The process died before it could write that the shutdown was superseded.
func TestAPromiseIsReplacedByALaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		s.adopted = 10 * time.Second
		running, err := s.actions.Begin(s.record(provider.On, time.Minute))
		require.NoError(t, err)
		require.NoError(t, running.Close())
		s.bmc.Action = 2 * time.Hour
		shutdown := s.promised(provider.Shutdown, 2*time.Minute)
		off := s.promised(provider.Off, 3*time.Minute)
		all := s.run()
		require.Equal(t, "ran power off", s.ran[len(s.ran)-1])
		require.NotContains(t, s.ran, "ran power shutdown")
		require.Equal(t, machine.Superseded, s.over[shutdown])
		require.Equal(t, machine.Done, s.over[off])
		for _, r := range all {
			require.Equal(t, s.over[r.Path], r.Answer.Outcome)
		}
	})
}

// A promise that ended without its script is not carried out, and its end is known.
func TestAPromiseThatWasWithdrawnIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		path := s.promised(provider.Shutdown, time.Minute)
		require.NoError(t, s.actions.End(path, actionlog.Answer{Outcome: machine.Superseded, At: time.Hour}))
		s.run()
		require.Empty(t, s.ran)
		require.Equal(t, map[string]machine.Outcome{path: machine.Superseded}, s.over)
	})
}

// The client was told that its action is accepted, so the next process must know why it did not run.
func TestWhyAPromiseCannotBeCarriedOutIsInItsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		path := s.promised(provider.Reset, time.Minute)
		s.busy = true
		all := s.run()
		require.Empty(t, s.ran)
		require.Len(t, all, 1)
		require.Equal(t, machine.Busy, s.over[path])
		require.Equal(t, machine.Busy, all[0].Answer.Outcome)

		again := newSuccessor(t)
		again.actions.Dir = s.actions.Dir
		again.run()
		require.Empty(t, again.ran)
		require.Equal(t, s.over, again.over)
	})
}

// The next process would carry it out although its client was told that it failed.
func TestAPromiseWhoseTurnCannotBeWrittenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		path := s.promised(provider.Reset, time.Minute)
		s.loading = sync.OnceFunc(func() { s.fill(path) })
		require.NoError(t, s.bmc.Run(t.Context(), make(quietFront, 1), s))
		require.Empty(t, s.ran)
		require.Equal(t, map[string]machine.Outcome{path: machine.Failed}, s.over)
		require.NoFileExists(t, path)
	})
}

func TestAPromiseWhoseEndCannotBeWrittenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		path := s.promised(provider.Reset, time.Minute)
		s.busy = true
		s.loading = sync.OnceFunc(func() { s.fill(path) })
		require.NoError(t, s.bmc.Run(t.Context(), make(quietFront, 1), s))
		require.Equal(t, map[string]machine.Outcome{path: machine.Busy}, s.over)
		require.NoFileExists(t, path)
	})
}

// The next process must not take it for an action that runs: its client may ask for the same again at once.
func TestARefusalThatCannotBeWrittenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSuccessor(t)
		path := s.promised(provider.Reset, time.Minute)
		s.result, s.acting = provider.ErrState, func() { s.fill(path) }
		require.NoError(t, s.bmc.Run(t.Context(), make(quietFront, 1), s))
		require.Equal(t, map[string]machine.Outcome{path: machine.WrongState}, s.over)
		require.NoFileExists(t, path)
	})
}
