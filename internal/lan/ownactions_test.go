package lan

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const (
	setPolicy                = 0x06
	resetWatchdog            = 0x22
	setWatchdog              = 0x24
	policyOn                 = 2
	restoreMarker, hardReset = "restore", 1
)

// The process stays for the watchdog, and the timer goes on in the next process.
func TestTheWatchdogExpires(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 1, 4, hardReset, 0, 0, 0x58, 0x02)) // 60 s
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 2))
		time.Sleep(40 * time.Second)
		r.kill()
		time.Sleep(19990 * time.Millisecond)
		require.Empty(t, r.answers())
		require.Empty(t, r.scripts.started())
		time.Sleep(20 * time.Millisecond)
		require.Empty(t, r.answers())
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
		require.Less(t, r.ends(), 10*time.Second, "it has nothing more to wait for")
		require.Equal(t, machine.CauseWatchdog, r.machine.State.Cause)
	})
}

func TestTheRestorePolicyIsCarriedOutOnce(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
		marker := filepath.Join(r.dir, restoreMarker)
		c := r.login()
		require.NoFileExists(t, marker)
		require.Equal(t, "00 07", r.ask(c, chassis, setPolicy, 1, policyOn))
		require.FileExists(t, marker)
		r.stop()
		r.start()
		require.Empty(t, r.scripts.started(), "the host was not booted")

		r.hostBoot = "second"
		r.stop()
		r.start()
		require.Empty(t, r.scripts.started(), "a packet came before the host was ready")
		r.restore = true
		r.stop()
		r.start()
		require.Equal(t, []provider.Verb{provider.On}, r.scripts.started())
		r.stop()
		r.start()
		require.Len(t, r.scripts.started(), 1)
		c = r.login()
		require.Equal(t, "00 07", r.ask(c, chassis, setPolicy, 1, 0))
		require.NoFileExists(t, marker)
	})
}

// An action that waits for its turn uses the boot device that the action before it has set.
func TestAnActionSeesTheBootDeviceOfTheOneBefore(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.BootSet] = takes(time.Second, machine.Reading{})
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, setBootOptions, 1, 5, 0xC0, 4, 0, 0, 0)
		r.waits(other, chassis, control, 1, on)
		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 2)
		require.Equal(t, []provider.Verb{provider.BootSet, provider.On}, r.scripts.started())
		require.Equal(t, provider.Boot{Device: provider.DeviceNetwork, Persistent: true}, r.scripts.argsOfLast().Boot)
	})
}
