package script

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/provider"
)

// The machine has started, and whatever happens to the script that sets the former device again, that has succeeded.
func TestOneShotKilledBeforeItIsSetAgain(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
	r.write(t, "die", "boot-set\n")
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{Boot: pxeOnce}, actionFile(t)))
	require.Equal(t, "boot-set hd 10", r.lastRan(t))
	require.Equal(t, "hd 0\n", r.remembered(t))

	r.write(t, "die", "")
	require.NoError(t, r.Act(t.Context(), provider.Cycle, provider.Args{}, actionFile(t)))
	require.Equal(t, "power-cycle none 00 from hd", r.lastRan(t))
	require.Empty(t, r.remembered(t))
}

func TestOneShotHangsAtTheTimeLimit(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
	r.write(t, "hang", "boot-set\n")
	ctx := newLimit()
	done := make(chan error, 1)
	go func() { done <- r.Act(ctx, provider.On, provider.Args{Boot: pxeOnce}, actionFile(t)) }()
	script := r.pid(t, "hangs")
	close(ctx.done)
	require.NoError(t, <-done)
	eventually(t, func() bool { return !alive(script) })
	require.Equal(t, "hd 0\n", r.remembered(t))
}

// Killed while it sets a device, an action leaves the former one to be set again: it may or may not be the present one.
func TestOneShotKilledWhileItIsSet(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	r.write(t, "die", "boot-set\n")
	require.ErrorIs(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)), provider.ErrLost)
	require.Equal(t, "hd 0\n", r.remembered(t))
	r.write(t, "die", "")
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{}, actionFile(t)))
	require.Equal(t, "power-on none 00 from hd", r.lastRan(t))
}

// The process that began it is killed between the device and its restoration; the action goes on without it.
func TestOneShotAfterKill9(t *testing.T) {
	r := newOneShot(t, `
[POWER]
status = cat state
on = ./note "$(cat device)"; echo $$ >started; until [ -e go ]; do sleep 0.02; done; echo on >state
[BOOT]
get = cat device
set = ./note; echo %(bootdev)s >device
`)
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
	dir := t.TempDir()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "ACTION_DIR="+dir, "PROVIDER_FILE="+r.Provider.Path, "STATE="+r.StateDir)
	require.NoError(t, process.Start())
	script := r.pid(t, "started")
	kill9(t, process.Process.Pid)
	require.Error(t, process.Wait())
	require.True(t, alive(script))
	require.Equal(t, "hd 0\n", r.remembered(t))

	r.write(t, "go", "")
	require.NoError(t, actionlog.Wait(t.Context(), provider.On, onlyAction(t, dir)))
	require.Equal(t, "boot-set network 00\npower-on network 00 from network\nboot-set hd 10\n", r.read(t, "ran"))
	require.Empty(t, r.remembered(t))
}
