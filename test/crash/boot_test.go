//go:build e2e

package crash

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Times since the boot of the host mean nothing after the next boot.
func TestNextBootOfTheHostForgetsWhatWasMeasuredFromTheLastOne(t *testing.T) {
	const first = time.Hour
	for name, tt := range map[string]struct {
		later  time.Duration // how long after the next boot the process starts
		ask    func(c *client)
		forgot func(t *testing.T, h *host, c *client)
	}{
		"watchdog with hard reset": {25 * time.Hour, func(c *client) {
			require.Equal(c.t, "\x00", c.ask(app, setWatchdog, smsOS, hardReset, 0, 0, 0x58, 0x02))
			require.Equal(c.t, "\x00", c.ask(app, resetWatchdog))
		}, func(t *testing.T, h *host, c *client) {
			timer := c.watchdogTimer()
			require.False(t, timer.running)
			require.Zero(t, timer.expired, "it has expired")
			require.Equal(t, "\x00", c.ask(chassis, chassisStatus)[:1])
			require.Empty(t, h.Read("ran"))
		}},
		"boot flags for 60 s": {first + 10*time.Second, func(c *client) {
			require.Equal(c.t, "\x00", c.ask(chassis, setBootOptions, bootFlags, bootValid, bootPXE, 0, 0, 0))
		}, func(t *testing.T, _ *host, c *client) {
			require.Zero(t, c.ask(chassis, getBootOptions, bootFlags, 0, 0)[3]&bootValid)
		}},
		"identify for 200 s": {first + 10*time.Second, func(c *client) {
			require.Equal(c.t, "\x00", c.ask(chassis, chassisIdentify, 200))
		}, func(t *testing.T, _ *host, c *client) {
			require.Zero(t, c.ask(chassis, chassisStatus)[3]&identifyMask)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.booted(firstBoot, first)
			c := loggedIn(t, h)
			tt.ask(c)
			h.reboots(tt.later)
			c.admin()
			tt.forgot(t, h, c)
		})
	}
}

// The session file does not outlive a boot on a host whose /run is in memory. Where it does, a request of the new boot
// is not a retransmission of one of the earlier boot.
func TestRequestOfAnEarlierBootIsNotRepeated(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.booted(firstBoot, time.Hour)
	c := loggedIn(t, h)
	require.Equal(t, "\x00\x01\x00", c.ask(storage, addSELEntry, event...))
	h.kill9()
	h.booted(secondBoot, time.Hour+10*time.Second)
	newClient(t, h, false).pings() // the process has started
	if said := c.retransmits(); said != "" {
		require.Equal(t, "\x00\x02\x00", said, "the record ID of another entry")
		return
	}
	c.admin() // the session has ended with the boot, and what was remembered of it
	require.Equal(t, uint16(1), c.selEntries())
}
