//go:build e2e

package crash

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// stays has processes live long enough to be watched.
func (h *host) stays() { h.Env = append(h.Env, "SHIPMI_IDLE_TIMEOUT=1m") }

// mount puts a file system of its own on a directory of the BMC.
func (h *host) mount(dir string) {
	require.NoError(h.t, unix.Mount("tmpfs", h.Path(dir), "tmpfs", 0, "size=64k"))
	h.t.Cleanup(func() { require.NoError(h.t, unix.Unmount(h.Path(dir), unix.MNT_DETACH)) })
}

// fill leaves no room in a directory.
func (h *host) fill(dir string) (mend func()) {
	filler := h.Path(dir + "/filler")
	require.ErrorIs(h.t, os.WriteFile(filler, make([]byte, 1<<20), 0o600), unix.ENOSPC)
	return func() { require.NoError(h.t, os.Remove(filler)) }
}

// locks makes a directory read-only.
func (h *host) locks(dir string) (mend func()) {
	remount := func(flags uintptr) {
		require.NoError(h.t, unix.Mount("", h.Path(dir), "", unix.MS_REMOUNT|flags, ""))
	}
	remount(unix.MS_RDONLY)
	return func() { remount(0) }
}

// breaks has every call of the kind fail with EIO in the process that runs. With write it would not run: the runtime of
// Go wakes itself with that.
func (h *host) breaks(calls string) (mend func()) {
	stop := h.inject(calls, "error=EIO")
	return func() {
		stop()
		require.Contains(h.t, h.Read("strace"), "EIO (Input/output error) (INJECTED)")
	}
}

// inject has strace tamper with every call of the kind in the process that runs: see strace(1), inject.
func (h *host) inject(calls, tamper string) (stop func()) {
	cmd := exec.Command("strace", "-f", "-p", strconv.Itoa(int(h.pid.Load())), "-o", h.Path("strace"),
		"-e", "trace="+calls, "-e", "inject="+calls+":"+tamper)
	stderr := &logBuffer{}
	cmd.Stderr = stderr
	require.NoError(h.t, cmd.Start())
	attached := func() bool { return strings.Contains(stderr.String(), "attached") }
	require.Eventually(h.t, attached, 10*time.Second, time.Millisecond, stderr)
	return func() {
		require.NoError(h.t, cmd.Process.Signal(unix.SIGINT)) // it lets go
		_ = cmd.Wait()
	}
}

// Where nothing can be kept, nothing is done: each request that changes something
// is refused, nothing is half written, and all is well once there is room again.
func TestNothingCanBeKept(t *testing.T) {
	for name, fails := range map[string]func(h *host) (mend func()){
		"disk full": func(h *host) func() { return h.fill("state") },
		"read-only": func(h *host) func() { return h.locks("state") },
		"EIO":       func(h *host) func() { return h.breaks("openat,fsync,renameat") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.mount("state")
			h.stays()
			c := loggedIn(t, h)
			require.Equal(t, "\x00\x07", c.ask(chassis, setRestorePolicy, 1))
			require.Equal(t, "\x00", c.ask(chassis, getCapabilities)[:1]) // looks at the provider
			before := h.state()

			mend := fails(h)
			require.Equal(t, "\xFF", c.ask(chassis, chassisControl, 3))
			require.Equal(t, "\xFF", c.ask(chassis, setRestorePolicy, alwaysOn))
			require.Equal(t, "\xFF", c.ask(chassis, setBootOptions, 5, 0xC0, 0x04, 0, 0, 0))
			require.Equal(t, "\x00", c.ask(app, getDeviceID)[:1])
			require.Equal(t, before, h.state())
			require.Empty(t, h.Read("ran"))
			mend()
			for _, line := range []string{"<3>power reset refused err=", "<3>boot set refused err=", "<3>state not saved err="} {
				h.logged(line)
			}

			require.True(t, c.act("power-reset", chassis, chassisControl, 3))
			require.True(t, c.act("boot-set", chassis, setBootOptions, 5, 0xC0, 0x04, 0, 0, 0))
			require.Equal(t, "\x00\x07", c.ask(chassis, setRestorePolicy, alwaysOn))
			left, err := os.ReadDir(h.Path("state"))
			require.NoError(t, err)
			var names []string
			for _, f := range left {
				names = append(names, f.Name())
			}
			require.Equal(t, []string{"actions", "restore", "state"}, names)
		})
	}
}

// A login for which there is no room is refused. A session that is open goes on, since its record needs no more room.
func TestNoRoomForAnotherSession(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	c := loggedIn(t, h)
	mend := h.breaks("fallocate")
	const status = 17
	late := newClient(t, h, false)
	late.Console = console.New(t, 17)
	late.ReadOpen(late.exchange(1, late.Open, func([]byte) bool { return true }))
	refused := late.exchange(1, late.RAKP1, func([]byte) bool { return true })
	require.Equal(t, byte(rmcp.StatusInsufficientResources), refused[status])
	require.True(t, c.act("power-reset", chassis, chassisControl, 3))
	mend()
	h.logged("<3>session refused")
	late.admin()
}

// A process that finds no place for its sessions does not serve; the next one may.
func TestSessionsCannotBeOpened(t *testing.T) {
	for name, fails := range map[string]func(h *host) (mend func()){
		"disk full": func(h *host) func() { return h.fill("runtime") },
		"read-only": func(h *host) func() { return h.locks("runtime") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.mount("runtime")
			h.serve()
			mend := fails(h)
			c := newClient(t, h, false)
			_, err := c.conn.Write(ping)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return h.deaths.Load() > 0 }, 10*time.Second, time.Millisecond)
			h.logged("<3>sessions: ")
			mend()
			c.admin()
		})
	}
}
