package script

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/provider"
)

// What an action remembers is there before the device is set, and outlasts the action.
func TestOneShotKilledWhileItIsSet(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	r.write(t, "die", "boot-set\n")
	require.ErrorIs(t, r.Act(t.Context(), provider.BootSet, remember, actionFile(t)), provider.ErrLost)
	require.Equal(t, hd, r.remembered(t))
}

// A former device that was set again or not: the start that comes next sets it first.
func TestOneShotKilledWhileItIsSetAgain(t *testing.T) {
	o := newOwner(newOneShot(t, oneShotScripts), t.TempDir())
	require.NoError(t, o.act(setBoot(pxeOnce)))
	o.runner.write(t, "die", "boot-set\n")
	require.NoError(t, o.act(power(provider.On)))
	require.Equal(t, "boot-set hd 10", o.runner.lastRan(t))
	require.Equal(t, hd, o.machine.State.Former)

	o.runner.write(t, "die", "")
	require.NoError(t, o.act(power(provider.Cycle)))
	require.Contains(t, o.runner.read(t, "ran"), "boot-set hd 10\npower-cycle none 00 from hd\n")
	require.Zero(t, o.machine.State.Former)
}

// The process that began an action is killed. The action goes on without the process, and what it remembers stays for the
// next one.
func TestOneShotAfterKill9(t *testing.T) {
	r := newOneShot(t, `
[POWER]
status = cat state
on = echo $$ >started; ./note "$(cat device)"; until [ -e go ]; do sleep 0.02; done; echo on >state
[BOOT]
get = cat device
set = ./note; echo %(bootdev)s >device
`)
	require.NoError(t, r.Act(t.Context(), provider.BootSet, remember, actionFile(t)))
	dir := t.TempDir()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "ACTION_DIR="+dir, "PROVIDER_FILE="+r.Provider.Path, "STATE="+r.StateDir)
	require.NoError(t, process.Start())
	script := r.pid(t, "started")
	kill9(t, process.Process.Pid)
	require.Error(t, process.Wait())
	require.True(t, alive(script))

	r.write(t, "go", "")
	require.NoError(t, actionlog.Wait(t.Context(), provider.On, onlyAction(t, dir)))
	require.Equal(t, "boot-set network 00\npower-on network 00 from network\n", r.read(t, "ran"))
	require.Equal(t, hd, r.remembered(t))
}
