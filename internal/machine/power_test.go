package machine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

// Every power action may be answered before its script ends. Without a script, nothing
// is done.
func TestPowerActions(t *testing.T) {
	for _, verb := range powerVerbs {
		m, _ := newMachine()
		script := m.Plan(Intent{Verb: verb}, CauseUnknown)
		require.Equal(t, verb, script.Verb)
		require.True(t, script.Accept)
		require.Equal(t, Unavailable, script.Without(start))
		require.Zero(t, m.Generation)
	}
}

func TestPowerEventOfEachAction(t *testing.T) {
	for verb, kind := range map[provider.Verb]EventKind{
		provider.Off:      EventPowerOff,
		provider.On:       EventPowerUp,
		provider.Cycle:    EventPowerCycle,
		provider.Reset:    EventHardReset,
		provider.Diag:     EventInterrupt,
		provider.Shutdown: EventShutdown,
	} {
		m, _ := newMachine()
		power(t, m, verb, start)
		require.Equal(t, []Entry{{ID: 1, Time: uint32(start.Clock.Unix()), Event: Event{Kind: kind}}}, m.State.Events.Entries)
	}
}

// The event has the time at which the script ended.
func TestPowerEventHasTheTimeOfTheEnd(t *testing.T) {
	m, _ := newMachine()
	script := m.Plan(Intent{Verb: provider.Off}, CauseUnknown)
	script.Args(start)
	end := start.later(90 * time.Second)
	require.Equal(t, Done, script.Then(Result{Moment: end}))
	require.Equal(t, uint32(end.Clock.Unix()), m.State.Events.Entries[0].Time)
}

// A failure is shown and logged until the next action succeeds, unless the managed
// system is as it was.
func TestFailedPowerActions(t *testing.T) {
	for _, c := range scriptErrors {
		for _, verb := range powerVerbs {
			m, _ := newMachine()
			before := m.State
			_, outcome := carryOut(m, Intent{Verb: verb}, CauseUnknown, start, c.err)
			require.Equal(t, c.outcome, outcome, "%v", c.err)
			if c.harmless {
				require.Equal(t, before, m.State, "%v", c.err)
				continue
			}
			require.True(t, m.State.PowerFault, "%v", c.err)
			require.Equal(t, EventPowerFault, m.State.Events.Entries[0].Event.Kind)
			require.False(t, m.State.PoweredOn)
			require.Equal(t, CauseUnknown, m.State.Cause)

			_, outcome = carryOut(m, Intent{Verb: verb}, CauseUnknown, start, provider.ErrBusy)
			require.Equal(t, Busy, outcome)
			require.True(t, m.State.PowerFault)
			power(t, m, provider.Diag, start)
			require.False(t, m.State.PowerFault)
		}
	}
}

func TestStarts(t *testing.T) {
	for _, verb := range powerVerbs {
		m, _ := newMachine()
		power(t, m, verb, start)
		started := verb == provider.On || verb == provider.Cycle || verb == provider.Reset
		require.Equal(t, started, m.State.PoweredOn)
		require.Equal(t, started, m.State.Cause == CauseClient)
		require.Equal(t, started, !m.State.PowerOn.Since.IsZero())
		power(t, m, provider.Shutdown, start)
		require.Equal(t, started, m.State.PoweredOn, "a guest that was asked need not have stopped")
		power(t, m, provider.Off, start)
		require.False(t, m.State.PoweredOn)
		require.True(t, m.State.PowerOn.Since.IsZero())
	}
}

func TestPowerOnTime(t *testing.T) {
	m, _ := newMachine()
	m.Seen(true, start)
	m.Seen(true, start.later(time.Hour))
	require.Equal(t, 2*time.Hour, m.State.PowerOn.At(start.later(2*time.Hour).Clock))
	m.Seen(false, start.later(3*time.Hour))
	m.Seen(false, start.later(4*time.Hour))
	power(t, m, provider.On, start.later(5*time.Hour))
	require.Equal(t, 4*time.Hour, m.State.PowerOn.At(start.later(6*time.Hour).Clock))
	require.Equal(t, 3*time.Hour, m.State.PowerOn.At(start.Clock), "the clock was set back")
}

func TestRestoreAtBoot(t *testing.T) {
	for name, c := range map[string]struct {
		policy RestorePolicy
		before func(*Machine)
		cause  Cause
	}{
		"off":                          {RestoreOff, func(m *Machine) { power(t, m, provider.On, start) }, CauseUnknown},
		"on":                           {RestoreOn, func(*Machine) {}, CauseRestoreOn},
		"on, was switched off":         {RestoreOn, func(m *Machine) { power(t, m, provider.Off, start) }, CauseRestoreOn},
		"previous, was on":             {RestorePrevious, func(m *Machine) { power(t, m, provider.On, start) }, CauseRestorePrevious},
		"previous, was seen to be on":  {RestorePrevious, func(m *Machine) { m.Seen(true, start) }, CauseRestorePrevious},
		"previous, was seen to be off": {RestorePrevious, func(m *Machine) { power(t, m, provider.On, start); m.Seen(false, start) }, CauseUnknown},
		"previous, was switched off":   {RestorePrevious, func(m *Machine) { power(t, m, provider.On, start); power(t, m, provider.Off, start) }, CauseUnknown},
		"previous, not known":          {RestorePrevious, func(*Machine) {}, CauseUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newMachine()
			m.SetRestore(c.policy)
			c.before(m)
			require.Equal(t, CauseUnknown, m.RestoreAtBoot(), "the host has not been booted")
			m.HostBoot, m.State = "second", m.State.NextBoot()
			saved, generation := m.State, m.Generation
			require.Equal(t, c.cause, m.RestoreAtBoot())
			require.Equal(t, CauseUnknown, m.RestoreAtBoot(), "once")
			if c.policy == RestoreOff {
				return
			}
			require.Greater(t, m.Generation, generation, "must be saved first")
			m.Revert(saved)
			require.Equal(t, c.cause, m.RestoreAtBoot(), "a state that was not saved is not carried out")
			if c.cause != CauseUnknown {
				_, outcome := carryOut(m, Intent{Verb: provider.On}, c.cause, start, nil)
				require.Equal(t, Done, outcome)
				require.Equal(t, c.cause, m.State.Cause)
			}
		})
	}
}

// A guest that was asked to shut down may be doing so until the machine is off, is started,
// or the time limit of an action has passed.
func TestGoingDown(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*Machine)
		later time.Duration
		want  time.Duration
	}{
		"at once":       {func(*Machine) {}, 0, 270 * time.Second},
		"later":         {func(*Machine) {}, 200 * time.Second, 90 * time.Second},
		"too late":      {func(*Machine) {}, 300 * time.Second, 0},
		"much too late": {func(*Machine) {}, time.Hour, 0},
		"seen off":      {func(m *Machine) { m.Seen(false, start) }, 0, 0},
		"seen on":       {func(m *Machine) { m.Seen(true, start) }, 0, 270 * time.Second},
		"switched off":  {func(m *Machine) { power(t, m, provider.Off, start) }, 0, 0},
		"reset":         {func(m *Machine) { power(t, m, provider.Reset, start) }, 0, 0},
		"interrupted":   {func(m *Machine) { power(t, m, provider.Diag, start) }, 0, 270 * time.Second},
		"host booted":   {func(m *Machine) { m.State = m.State.NextBoot() }, 0, 0},
	} {
		m, _ := newMachine()
		power(t, m, provider.Shutdown, start)
		c.after(m)
		require.Equal(t, c.want, power(t, m, provider.On, start.later(c.later)).GoingDown, name)
	}
	m, _ := newMachine()
	carryOut(m, Intent{Verb: provider.Shutdown}, CauseUnknown, start, &provider.Error{Exit: 1})
	require.Zero(t, power(t, m, provider.On, start).GoingDown, "the guest was not asked")
}

// askRestart is a restart by way of the guest, which was asked.
func askRestart(t *testing.T, m *Machine) {
	t.Helper()
	_, outcome := carryOut(m, Intent{Verb: provider.Shutdown, Restart: true}, CauseUnknown, start, nil)
	require.Equal(t, Done, outcome)
}

// A restart by way of the guest is a shutdown that a start follows. The start waits for the
// guest.
func TestRestart(t *testing.T) {
	m, _ := newMachine()
	require.True(t, m.Plan(Intent{Verb: provider.Shutdown, Restart: true}, CauseUnknown).Durable)
	askRestart(t, m)
	saved := m.State
	intent, cause, due := m.Restarts()
	require.True(t, due)
	require.Equal(t, Intent{Verb: provider.On}, intent)
	_, _, due = m.Restarts()
	require.False(t, due, "once")

	other, _ := newMachine()
	other.State = saved
	again, _, due := other.Restarts()
	require.True(t, due, "the next process has to start the machine")
	require.Equal(t, intent, again)

	args, outcome := carryOut(m, intent, cause, start, nil)
	require.Equal(t, 270*time.Second, args.GoingDown)
	require.Equal(t, Done, outcome)
	require.False(t, m.State.Restart)
	require.Equal(t, CauseClient, m.State.Cause)
	askRestart(t, m)
	_, _, due = m.Restarts()
	require.True(t, due, "a client may ask again")
}

// A restart ends with the shutdown if the guest was not asked, and with any other action.
func TestRestartIsOver(t *testing.T) {
	for _, c := range scriptErrors {
		m, _ := newMachine()
		carryOut(m, Intent{Verb: provider.Shutdown, Restart: true}, CauseUnknown, start, c.err)
		_, _, due := m.Restarts()
		require.False(t, due, "%v", c.err)

		m, _ = newMachine()
		askRestart(t, m)
		intent, cause, _ := m.Restarts()
		carryOut(m, intent, cause, start, c.err)
		_, _, due = m.Restarts()
		require.False(t, due, "%v", c.err)
	}
	for _, verb := range powerVerbs {
		m, _ := newMachine()
		askRestart(t, m)
		power(t, m, verb, start)
		_, _, due := m.Restarts()
		require.Equal(t, verb == provider.Diag, due, verb)
	}
	m, _ := newMachine()
	askRestart(t, m)
	m.State = m.State.NextBoot()
	_, _, due := m.Restarts()
	require.False(t, due, "the host was booted: the restore policy says what to do")
}

// The machine must not boot from another device than a client was promised, so the guest is
// not even asked.
func TestRestartAfterABootDeviceThatCouldNotBeSet(t *testing.T) {
	m, _ := newMachine()
	m.Update(func(s *State) { s.BootFailed = true })
	script := m.Plan(Intent{Verb: provider.Shutdown, Restart: true}, CauseUnknown)
	require.ErrorIs(t, script.Refuse(nil), errBootFailed)
	require.NoError(t, m.Plan(Intent{Verb: provider.Shutdown}, CauseUnknown).Refuse(nil))
}
