package machine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

func startWatchdog(m *Machine, w Watchdog, now Moment) {
	w.Start(now)
	m.Update(func(s *State) { s.Watchdog = w })
}

func TestWatchdogExpires(t *testing.T) {
	for _, action := range []provider.Verb{"", provider.Reset, provider.Off, provider.Cycle} {
		m, log := newMachine()
		startWatchdog(m, Watchdog{Use: UseManagementOS, Action: action, Countdown: time.Minute}, start)
		left, running := m.WatchdogLeft(start.later(59 * time.Second))
		require.True(t, running)
		require.Equal(t, time.Second, left)

		end := start.later(time.Minute)
		require.Equal(t, action, m.WatchdogExpired(end))
		_, running = m.WatchdogLeft(end)
		require.False(t, running)
		require.True(t, m.State.Watchdog.Over)
		require.Equal(t, byte(1<<UseManagementOS), m.State.Watchdog.Expired)
		require.Equal(t, Event{EventWatchdog, UseManagementOS, action}, m.State.Events.Entries[0].Event)
		require.Contains(t, log.String(), "watchdog expired")

		m.Update(func(s *State) { s.Watchdog.Start(end) })
		require.False(t, m.State.Watchdog.Over)
		_, running = m.WatchdogLeft(end)
		require.True(t, running)
	}
}

func TestQuietWatchdogLogsNoEvent(t *testing.T) {
	m, _ := newMachine()
	startWatchdog(m, Watchdog{Use: UseOEM, Quiet: true, Countdown: time.Second}, start)
	m.WatchdogExpired(start.later(time.Second))
	require.Empty(t, m.State.Events.Entries)
}

func TestWatchdogExpiresOnceIfTheStateCannotBeSaved(t *testing.T) {
	m, _ := newMachine()
	startWatchdog(m, Watchdog{Use: UsePOST, Action: provider.Off, Countdown: time.Second}, start)
	saved := m.State
	require.Equal(t, provider.Off, m.WatchdogExpired(start.later(time.Second)))
	m.Revert(saved)
	_, running := m.WatchdogLeft(start.later(time.Second))
	require.False(t, running)
}

func TestNextBootStopsTheWatchdog(t *testing.T) {
	m, _ := newMachine()
	startWatchdog(m, Watchdog{Use: UsePOST, Action: provider.Reset, Countdown: time.Minute}, start)
	m.State = m.State.NextBoot()
	_, running := m.WatchdogLeft(Moment{Uptime: 25 * time.Hour})
	require.False(t, running)
}

func TestWatchdogWarns(t *testing.T) {
	m, log := newMachine()
	w := Watchdog{Use: UseManagementOS, Countdown: time.Minute, PreTimeout: 10 * time.Second, Warns: true}
	startWatchdog(m, w, start)
	left, warns := m.WarningLeft(start.later(20 * time.Second))
	require.True(t, warns)
	require.Equal(t, 30*time.Second, left)

	due, saved := start.later(50*time.Second), m.State
	m.WatchdogWarns(due)
	require.True(t, m.State.Watchdog.Warned)
	require.Equal(t, Event{Kind: EventWatchdogWarning, Use: UseManagementOS}, m.State.Events.Entries[0].Event)
	require.Contains(t, log.String(), "watchdog warns")
	_, running := m.WatchdogLeft(due)
	require.True(t, running)
	_, warns = m.WarningLeft(due)
	require.False(t, warns)
	m.Revert(saved)
	_, warns = m.WarningLeft(due)
	require.False(t, warns, "once, also if the state cannot be saved")

	m.Update(func(s *State) { s.Watchdog.Start(due) })
	_, warns = m.WarningLeft(due)
	require.True(t, warns)
	m.WatchdogExpired(due)
	_, warns = m.WarningLeft(due)
	require.False(t, warns)
}

func TestWatchdogWithoutWarning(t *testing.T) {
	for _, w := range []Watchdog{
		{Countdown: time.Minute, PreTimeout: time.Second},
		{Countdown: time.Minute, Warns: true}, // at the timeout itself
	} {
		m, _ := newMachine()
		startWatchdog(m, w, start)
		_, warns := m.WarningLeft(start.later(time.Minute))
		require.False(t, warns)
	}
	m, _ := newMachine()
	startWatchdog(m, Watchdog{Countdown: time.Minute, PreTimeout: time.Second, Warns: true, Quiet: true}, start)
	m.WatchdogWarns(start.later(59 * time.Second))
	require.Empty(t, m.State.Events.Entries)
}

// Changed is told of every change, with the state before it, and of one that is taken back.
func TestChanged(t *testing.T) {
	m, _ := newMachine()
	var before []State
	m.Changed = func(s State) { before = append(before, s) }
	first := m.State
	m.SetNote("a", []byte{1})
	m.SetNote("a", []byte{1})
	second := m.State
	m.Revert(first)
	require.Equal(t, []State{first, second}, before)
}
