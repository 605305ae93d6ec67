//go:build e2e

package crash

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// ping is an ASF presence ping.
var ping = []byte("\x06\x00\xFF\x06\x00\x00\x11\xBE\x80\x01\x00\x00")

var resetRequest = console.Request(chassis, chassisControl, 1, 3)

// firmware is what Get Device ID says of it.
func (c *client) firmware() string { return c.ask(app, getDeviceID)[3:5] }

// A session does not notice that the program is replaced, before or behind.
func TestUpgradeUnderAnOpenSession(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.program = h.Path("shipmi-bmc")
	install := func(version string) {
		require.NoError(t, exec.Command("cp", program(t, version), h.program+".new").Run())
		require.NoError(t, os.Rename(h.program+".new", h.program))
	}
	install("v1.0")
	c := loggedIn(t, h)
	require.Equal(t, "\x01\x00", c.firmware())
	for version, said := range map[string]string{"v1.1": "\x01\x01", "v3.2": "\x03\x02", "v1.0": "\x01\x00"} {
		install(version)
		h.kill9()
		require.Equal(t, said, c.firmware())
		require.True(t, c.act("power-reset", chassis, chassisControl, 3))
		time.Sleep(2100 * time.Millisecond) // or the next one is the same action
	}
}

// The sessions of a version with another format end, and a new one can be opened.
func TestSessionsOfAnotherFormat(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := loggedIn(t, h)
	h.kill9()
	file := strings.Replace(h.Read("runtime/sessions"), "shipmi sessions 1\n", "shipmi sessions 2\n", 1)
	require.NoError(t, os.WriteFile(h.Path("runtime/sessions"), []byte(file), 0o600))
	_, err := c.conn.Write(c.Packet(resetRequest))
	require.NoError(t, err)
	require.Nil(t, c.receive(300*time.Millisecond))
	h.logged("<4>session file dropped: it is not one of this version\n")
	require.Empty(t, h.Read("ran"))
	c.admin()
}

// The second process of a BMC says why it does not serve, and leaves everything to the first.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	c := loggedIn(t, h)
	sessions := h.Read("runtime/sessions")

	second := h.Command(h.program)
	said, err := second.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, 1, second.ProcessState.ExitCode())
	require.Equal(t, "<3>sessions: lock "+h.Path("runtime/sessions")+": another process uses it\n", string(said))
	require.Equal(t, sessions, h.Read("runtime/sessions"))
	require.True(t, c.act("power-reset", chassis, chassisControl, 3))
}

// To a process, a host that was suspended has a boot clock that went on while its
// monotonic clock did not: a time namespace does that.
func TestSuspendedHost(t *testing.T) {
	for asleep, lives := range map[string]bool{"30": true, "61": false} {
		t.Run(asleep, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			c := loggedIn(t, h)
			h.kill9()
			h.within("--time --boottime "+asleep, "true")
			if lives {
				require.True(t, c.act("power-reset", chassis, chassisControl, 3))
				return
			}
			_, err := c.conn.Write(c.Packet(resetRequest))
			require.NoError(t, err)
			require.Nil(t, c.receive(500*time.Millisecond))
			require.Empty(t, h.Read("ran"))
			c.admin()
		})
	}
}

// A client reserves the event log, and clears it with the reservation. It does not know that processes end.
func TestReservationOfTheEventLogOutlivesTheIdleExit(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.Env = append(h.Env, "SHIPMI_IDLE_TIMEOUT=300ms")
	c := loggedIn(t, h)
	reserved := c.ask(storage, reserveSEL)
	require.Equal(t, byte(0), reserved[0])
	h.idle()
	require.Equal(t, "\x00\x01", c.ask(storage, clearSEL, reserved[1], reserved[2], 'C', 'L', 'R', 0xAA))
}

// A process without a socket cannot serve. It has nothing to wait for.
func TestProcessWithoutASocketExitsAtOnce(t *testing.T) {
	h := newHost(t)
	alone := exec.Command(h.program)
	alone.Env = h.Env
	began := time.Now()
	said, err := alone.CombinedOutput()
	took := time.Since(began)
	require.Error(t, err)
	const exConfig = 78 // of sysexits.h
	require.Equal(t, exConfig, alone.ProcessState.ExitCode())
	require.Contains(t, string(said), "socket")
	require.Less(t, took, 500*time.Millisecond)
	require.Less(t, alone.ProcessState.UserTime()+alone.ProcessState.SystemTime(), 300*time.Millisecond)
}
