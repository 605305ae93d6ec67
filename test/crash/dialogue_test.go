//go:build e2e

package crash

import (
	"encoding/json"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// A dialogue is what a client wants of a BMC while its process dies.
type dialogue struct {
	process int // that dies, from 1
	talk    func(h *host, c *client)
}

var dialogues = map[string]dialogue{
	"power actions": {1, func(h *host, c *client) {
		c.admin()
		c.act("power-on", chassis, chassisControl, 1)
		c.act("power-reset", chassis, chassisControl, 3)
		c.act("power-off", chassis, chassisControl, 0)
		c.fault()
	}},
	"boot device": {1, func(h *host, c *client) {
		c.admin()
		c.act("boot-set", chassis, setBootOptions, 5, 0xC0, 0x04, 0, 0, 0)
		c.act("boot-set", chassis, setBootOptions, 5, 0xC0, 0x08, 0, 0, 0)
	}},
	"boot device for one boot": {1, func(h *host, c *client) {
		must(os.WriteFile(h.Path("provider.conf"), []byte(scripts+"get = cat boot\n"), 0o600))
		c.admin()
		c.ask(chassis, setBootOptions, bootFlags, bootValid, bootOptical, 0, 0, 0)
		require.Eventually(h.t, func() bool { // busy as long as an action of a dead process runs
			return c.ask(chassis, setBootOptions, bootFlags, 0, 0, 0, 0, 0) == "\x00"
		}, 10*time.Second, 100*time.Millisecond)
		c.bootsFromDisk()

		set := c.ask(chassis, setBootOptions, bootFlags, bootValid, bootPXE, 0, 0, 0) == "\x00"
		if !c.act("power-on", chassis, chassisControl, 1) { // killed before it began, or refused without the device
			c.fault()
			require.True(h.t, c.act("power-on", chassis, chassisControl, 1))
		}
		c.bootsFromDisk()
		if set {
			require.Equal(h.t, "network from network\n", h.Read("started"))
		}
	}},
	"idle exit": {1, func(h *host, c *client) {
		c.admin()
		h.idle()
		c.act("power-reset", chassis, chassisControl, 3)
	}},
	"adoption": {2, func(h *host, c *client) {
		c.admin()
		h.dieAndGo("power-cycle")
		c.act("power-cycle", chassis, chassisControl, 2)
		require.False(h.t, c.fault())
	}},
	"adoption of a failure": {2, func(h *host, c *client) {
		c.admin()
		h.dieAndGo("power-diag")
		require.Contains(h.t, []string{"\x00", "\xFF"}, c.ask(chassis, chassisControl, 4))
		require.Eventually(h.t, c.fault, 10*time.Second, 100*time.Millisecond)
		require.Equal(h.t, 1, h.runs("power-diag"))
	}},
	"shutdown cut short": {1, func(h *host, c *client) {
		c.admin()
		c.act("power-shutdown", chassis, chassisControl, 5)
		if c.act("power-off", chassis, chassisControl, 0) {
			require.False(h.t, c.fault(), "a shutdown that was cut short has not failed")
		}
	}},
	"new password": {1, func(h *host, c *client) {
		const changed = "new password"
		c.admin()
		said := c.ask(app, setPassword, userPassword(operID, changed)...)

		var kept struct {
			Users []struct{ Name, Password string }
		}
		require.NoError(h.t, json.Unmarshal([]byte(h.Read("credentials/users")), &kept))
		require.Equal(h.t, "correct horse", kept.Users[0].Password)
		require.Equal(h.t, said == "\x00", kept.Users[1].Password == changed)
		other := newClient(h.t, h, c.fresh)
		other.login("oper", kept.Users[1].Password, 3)
	}},
	"event log": {1, func(h *host, c *client) {
		c.admin()
		if c.fresh { // a second entry is a new request
			require.Equal(h.t, "\x00", c.ask(storage, addSELEntry, event...)[:1])
			return
		}
		require.Equal(h.t, "\x00\x01\x00", c.ask(storage, addSELEntry, event...))
		require.Equal(h.t, "\x00\x02\x00", c.ask(storage, addSELEntry, event...))
		require.Equal(h.t, uint16(2), c.selEntries())
	}},
	"watchdog": {1, func(h *host, c *client) {
		c.admin()
		require.Equal(h.t, "\x00", c.ask(app, setWatchdog, smsOS, hardReset, 0, 1<<smsOS, 3, 0))
		require.Equal(h.t, "\x00", c.ask(app, resetWatchdog))
		require.Eventually(h.t, func() bool { return c.ask(app, getWatchdog)[4] != 0 }, 10*time.Second, 100*time.Millisecond)
		require.LessOrEqual(h.t, h.runs("power-reset"), 1)
	}},
}

func (c *client) admin() { c.login("admin", "correct horse", 4) }

// bootsFromDisk waits until the former boot device was set again.
func (c *client) bootsFromDisk() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		c.fault() // a process runs
		return c.host.Read("boot") == "hd\n"
	}, 10*time.Second, 100*time.Millisecond)
}

// dieAndGo has the process die as soon as the script of a verb runs, and the
// script end soon after.
func (h *host) dieAndGo(verb string) {
	var dead sync.WaitGroup
	h.t.Cleanup(dead.Wait)
	dead.Go(func() {
		for h.runs(verb) == 0 && h.sleeps(5*time.Millisecond) {
		}
		h.kill(syscall.SIGKILL)
		time.Sleep(100 * time.Millisecond)
		must(os.WriteFile(h.Path("go"), nil, 0o600))
	})
}

// sleeps is false at the end of the test.
func (h *host) sleeps(d time.Duration) bool {
	select {
	case <-h.t.Context().Done():
		return false
	case <-time.After(d):
		return true
	}
}
