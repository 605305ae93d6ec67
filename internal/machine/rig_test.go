package machine

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

// start is when the tests begin: an hour after the host was booted.
var start = Moment{Uptime: time.Hour, Clock: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}

// later is the moment after that time has passed.
func (m Moment) later(d time.Duration) Moment { return Moment{m.Uptime + d, m.Clock.Add(d)} }

func newMachine() (*Machine, *bytes.Buffer) {
	var log bytes.Buffer
	return &Machine{HostBoot: "first", ActionLimit: 5 * time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

// carryOut is an intent whose script ends at that moment, with that error.
func carryOut(m *Machine, i Intent, cause Cause, now Moment, err error) (provider.Args, Outcome) {
	script := m.Plan(i, cause)
	args := script.Args(now)
	return args, script.Then(Result{Moment: now, Err: err})
}

func power(t *testing.T, m *Machine, v provider.Verb, now Moment) provider.Args {
	t.Helper()
	args, outcome := carryOut(m, Intent{Verb: v}, CauseUnknown, now, nil)
	require.Equal(t, Done, outcome)
	return args
}

// powerVerbs are the power actions.
var powerVerbs = []provider.Verb{
	provider.On, provider.Off, provider.Cycle, provider.Reset, provider.Diag, provider.Shutdown,
}

// scriptErrors are the ways in which a script fails, with the outcome of each, and
// whether the managed system is as it was or as a later action wants it.
var scriptErrors = []struct {
	err      error
	outcome  Outcome
	harmless bool
}{
	{&provider.Error{Exit: 1}, Failed, false},
	{&provider.Error{Exit: 65, Err: provider.ErrState}, WrongState, true},
	{&provider.Error{Exit: 66, Err: provider.ErrUnsupported}, Unsupported, true},
	{&provider.Error{Exit: 75, Err: provider.ErrBusy}, Busy, true},
	{&provider.Error{Err: provider.ErrNoScript}, Unavailable, true},
	{&provider.Error{Err: provider.ErrSuperseded}, Superseded, true},
	{&provider.Error{Err: provider.ErrTimeout}, TimedOut, false},
	{&provider.Error{Err: provider.ErrLost}, Failed, false},
}
