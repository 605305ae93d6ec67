package ipmi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const getWatchdog = "06/25"

func TestWatchdog(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(
		step{"06/22", "80"},                   // never set
		step{"06/24 04 01 00 3e 58 02", "00"}, // SMS/OS, hard reset, 60 s
		step{getWatchdog, "00 04 01 00 00 58 02 58 02"},
		step{"06/22", "00"},
		step{getWatchdog, "00 44 01 00 00 58 02 58 02"},
	)
	r.now += 59500 * time.Millisecond
	r.talk(step{getWatchdog, "00 44 01 00 00 58 02 05 00"})
	left, running := r.Machine.WatchdogLeft(r.moment())
	require.True(t, running)
	require.Equal(t, 500*time.Millisecond, left)

	r.talk(step{"06/22", "00"}) // begins again
	r.restart()
	r.now += 30 * time.Second
	r.talk(step{getWatchdog, "00 44 01 00 00 58 02 2c 01"})
	r.now += 31 * time.Second
	left, running = r.Machine.WatchdogLeft(r.moment())
	require.True(t, running)
	require.Zero(t, left)

	r.expire()
	require.Equal(t, []string{"power reset none"}, r.scripts())
	r.talk(
		step{getWatchdog, "00 04 01 00 10 58 02 00 00"}, // the flag of SMS/OS
		step{"00/07", "00 04 01"},                       // restart cause: watchdog
		step{"06/24 03 00 00 10 58 02", "00"},
		step{getWatchdog, "00 03 00 00 00 58 02 58 02"},
	)
}

func TestWatchdogActions(t *testing.T) {
	for actions, ran := range map[string][]string{
		"00": nil, "01": {"power reset none"}, "02": {"power off none"}, "03": {"power cycle none"},
	} {
		r := newRig(t, powerOnly)
		r.talk(step{"06/24 02 " + actions + " 00 00 01 00", "00"}, step{"06/22", "00"})
		r.now += time.Second
		r.expire()
		require.Equal(t, ran, r.scripts())
		_, running := r.Machine.WatchdogLeft(r.moment())
		require.False(t, running)
		r.talk(step{getWatchdog, "00 02 " + actions + " 00 04 01 00 00 00"})
	}
}

func TestSetWatchdogStopsTheTimer(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(
		step{"06/24 04 01 00 00 58 02", "00"}, step{"06/22", "00"},
		step{"06/24 44 02 00 00 2c 01", "00"}, // do not stop
		step{getWatchdog, "00 44 02 00 00 2c 01 2c 01"},
		step{"06/24 84 02 00 00 2c 01", "00"}, // no log
		step{getWatchdog, "00 84 02 00 00 2c 01 2c 01"},
		step{"06/24 44 02 00 00 2c 01", "00"}, // it does not run, and does not begin to
		step{getWatchdog, "00 04 02 00 00 2c 01 2c 01"},
	)
}

// The same request again loads a timer that runs: it is not taken for a
// retransmission, which would do the same.
func TestSetWatchdogAgainLoadsTheTimer(t *testing.T) {
	const again = "06/24 44 01 00 00 58 02" // do not stop
	require.Equal(t, Inline, Lookup(parse(t, again)).Lane)
	r := newRig(t, powerOnly)
	r.talk(step{again, "00"}, step{"06/22", "00"}, step{again, "00"})
	r.now += 50 * time.Second
	r.talk(step{again, "00"}, step{getWatchdog, "00 44 01 00 00 58 02 58 02"})
	left, running := r.Machine.WatchdogLeft(r.moment())
	require.True(t, running)
	require.Equal(t, time.Minute, left)
}

// A timer that has expired reads 0 until it is started or set again.
func TestExpiredWatchdogReadsZero(t *testing.T) {
	for _, again := range []string{"06/22", "06/24 04 00 00 10 58 02"} {
		r := newRig(t, powerOnly)
		r.talk(step{"06/24 04 00 00 00 58 02", "00"}, step{"06/22", "00"})
		r.now += time.Minute
		r.expire()
		r.talk(step{getWatchdog, "00 04 00 00 10 58 02 00 00"})
		r.restart()
		r.talk(step{getWatchdog, "00 04 00 00 10 58 02 00 00"}, step{again, "00"})
		require.Regexp(t, "58 02 58 02$", r.ask(getWatchdog))
	}
}

// A boot of the host begins a new time.
func TestWatchdogIsStoppedByABoot(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"06/24 04 01 00 00 58 02", "00"}, step{"06/22", "00"})
	r.reboot()
	_, running := r.Machine.WatchdogLeft(r.moment())
	require.False(t, running)
	r.talk(step{getWatchdog, "00 04 01 00 00 58 02 58 02"})
}

// A timer expires once, also if the state cannot be saved.
func TestWatchdogWithoutSpace(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"06/24 04 02 00 00 01 00", "00"}, step{"06/22", "00"})
	r.noSpace = true
	r.now += time.Second
	r.talk(step{"06/24 04 02 00 00 02 00", "ff"}, step{"06/22", "ff"})
	r.expire()
	require.Equal(t, []string{"power off none"}, r.scripts())
	_, running := r.Machine.WatchdogLeft(r.moment())
	require.False(t, running)
}

func TestWatchdogFields(t *testing.T) {
	r := newRig(t, powerOnly)
	for _, data := range []string{
		"00 01 00 00 58 02", "06 01 00 00 58 02", "07 01 00 00 58 02", // use
		"0c 01 00 00 58 02", "14 01 00 00 58 02", "24 01 00 00 58 02", // reserved
		"04 04 00 00 58 02", "04 07 00 00 58 02", "04 09 00 00 58 02", "04 81 00 00 58 02", // action
		"04 11 00 00 58 02", "04 31 00 00 58 02", "04 01 01 00 58 02", // an interrupt before the timeout
		"04 01 00 01 58 02", "04 01 00 40 58 02", "04 01 00 80 58 02", // flags
	} {
		r.talk(step{"06/24 " + data, "cc"})
	}
	require.Empty(t, r.stored)
}
