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
	left, running := r.WatchdogLeft(r.now)
	require.True(t, running)
	require.Equal(t, 500*time.Millisecond, left)

	r.talk(step{"06/22", "00"}) // begins again
	r.restart()
	r.now += 30 * time.Second
	r.talk(step{getWatchdog, "00 44 01 00 00 58 02 2c 01"})
	r.now += 31 * time.Second
	left, running = r.WatchdogLeft(r.now)
	require.True(t, running)
	require.Zero(t, left)

	request := r.WatchdogExpired(r.now, day)
	require.Equal(t, []byte{controlReset}, request.Data)
	_, answer := r.Handle(request)
	require.Equal(t, "00", r.complete(answer))
	require.Equal(t, []string{"power reset none"}, r.scripts())
	r.talk(
		step{getWatchdog, "00 04 01 00 10 58 02 58 02"}, // the flag of SMS/OS
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
		if request := r.WatchdogExpired(r.now, day); request != nil {
			_, answer := r.Handle(request)
			r.complete(answer)
		}
		require.Equal(t, ran, r.scripts())
		_, running := r.WatchdogLeft(r.now)
		require.False(t, running)
		r.talk(step{getWatchdog, "00 02 " + actions + " 00 04 01 00 01 00"})
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

// A boot of the host begins a new time.
func TestWatchdogIsStoppedByABoot(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"06/24 04 01 00 00 58 02", "00"}, step{"06/22", "00"})
	r.now = time.Minute
	r.restart()
	_, running := r.WatchdogLeft(r.now)
	require.False(t, running)
	r.talk(step{getWatchdog, "00 04 01 00 00 58 02 58 02"})
}

// It cannot be kept that the timer has expired, and yet it expires once.
func TestWatchdogWithoutSpace(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"06/24 04 02 00 00 01 00", "00"}, step{"06/22", "00"})
	r.noSpace = true
	r.now += time.Second
	r.talk(step{"06/24 04 02 00 00 02 00", "ff"}, step{"06/22", "ff"})
	require.NotNil(t, r.WatchdogExpired(r.now, day))
	_, running := r.WatchdogLeft(r.now)
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
