//go:build e2e

package crash

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A client that sets the watchdog timer again, with the same bytes and "do not stop", wants the countdown to begin anew.
func TestSameSetWatchdogTimerLoadsTheTimerAgain(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	c := loggedIn(t, h)
	other := newClient(t, h, false)
	other.admin()

	const initial = 600 // 60 s
	set := func() {
		require.Equal(t, "\x00", c.ask(app, setWatchdog, smsOS|dontStop, noAction, 0, 0, 0x58, 0x02))
	}
	set()
	require.Equal(t, "\x00", c.ask(app, resetWatchdog))
	set()
	require.Eventually(t, func() bool { return other.watchdogTimer().present <= initial-5 }, 10*time.Second, 50*time.Millisecond)
	set()
	timer := other.watchdogTimer()
	require.True(t, timer.running)
	require.GreaterOrEqual(t, timer.present, uint16(initial-2))
}

// The countdown of a timer that has expired is at its end (IPMI 2.0 §27.7).
func TestExpiredWatchdogTimerReadsZero(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := loggedIn(t, h)
	require.Equal(t, "\x00", c.ask(app, setWatchdog, smsOS, noAction, 0, 0, 1, 0)) // 100 ms
	require.Equal(t, "\x00", c.ask(app, resetWatchdog))
	require.Eventually(t, func() bool { return c.watchdogTimer().expired != 0 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, timer{expired: 1 << smsOS, initial: 1, present: 0}, c.watchdogTimer())
}
