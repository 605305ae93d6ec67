//go:build e2e

package load

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const together = 4 // consoles of one address that log in at the same time

// One process serves session after session, and waits for nothing while systemd reloads its units. Some sessions are
// left open, until they time out.
func TestSessions(t *testing.T) {
	configure(t, time.Hour, 10*time.Second)
	command(t, "shipmi", "add", "busy", "--provider", "dummy", "--password", password, "--address", "127.0.0.1")
	unlimited := []byte("[Service]\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=1000000\n") // for the stacks at the end
	require.NoError(t, os.WriteFile("/etc/systemd/system/shipmi-bmc@busy.service.d/60-log.conf", unlimited, 0o644))
	command(t, "shipmi", "start", "busy")
	serveSessions(t, "first", *sessions/10, false)
	pid, err := strconv.Atoi(command(t, "systemctl", "show", "-P", "MainPID", "shipmi-bmc@busy.service"))
	require.NoError(t, err)
	before, err := usageOf(pid)
	require.NoError(t, err)
	serveSessions(t, "others", *sessions-*sessions/10, true)
	var after usage
	require.Eventually(t, func() bool { // a message to systemd is a descriptor for a moment
		after, err = usageOf(pid)
		return err == nil && after.descriptors <= before.descriptors
	}, 5*time.Second, 10*time.Millisecond, "%v", &after)
	count := goroutines(t, "busy")
	fmt.Printf("one process has %v; after %d sessions %v, %d goroutines\n", before, *sessions, after, count)
	require.Positive(t, count)
	require.Less(t, count, 30) // about ten are those of the runtime
	require.LessOrEqual(t, after.threads, before.threads+4)
	require.LessOrEqual(t, after.private, before.private+2048)
	file, err := os.Stat("/run/shipmi-bmc/busy/sessions")
	require.NoError(t, err)
	require.Less(t, file.Size(), int64(64<<10))
}

// serveSessions logs in n times, while systemd reloads its units or does nothing.
func serveSessions(t *testing.T, name string, n int, reloading bool) {
	t.Helper()
	leaveOpen := time.NewTicker(200 * time.Millisecond)
	defer leaveOpen.Stop()
	var left, open atomic.Int64
	left.Store(int64(n))
	start := time.Now()
	figures, ends := make([]figure, together), make([]time.Time, together)
	require.True(t, t.Run(name, func(t *testing.T) {
		for i := range figures {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for left.Add(-1) >= 0 {
					v := login(t, "127.0.0.1:623", &figures[i])
					v.command(getDeviceID)
					select {
					case <-leaveOpen.C:
						open.Add(1)
						v.conn.Close()
					default:
						v.close()
					}
				}
				ends[i] = time.Now()
			})
		}
		t.Run("reload", func(t *testing.T) {
			t.Parallel()
			for reloading && left.Load() > 0 {
				command(t, "systemctl", "daemon-reload")
				time.Sleep(time.Second)
			}
		})
	}))
	took := slices.MaxFunc(ends, time.Time.Compare).Sub(start)
	var all figure
	for _, f := range figures {
		all.logins = append(all.logins, f.logins...)
		all.again += f.again
	}
	fmt.Printf("%d sessions, %d of them left open, in %v: %.0f a second; asked again %d times; logins: %s\n",
		n, open.Load(), took.Round(time.Millisecond), float64(n)/took.Seconds(), all.again, percentiles(all.logins))
}

// goroutines has the process of a BMC print them, and end.
func goroutines(t *testing.T, name string) int {
	t.Helper()
	unit := "shipmi-bmc@" + name + ".service"
	command(t, "systemctl", "kill", "--kill-whom=main", "--signal=QUIT", unit)
	var stacks string
	require.Eventually(t, func() bool {
		command(t, "journalctl", "--sync")
		stacks = command(t, "journalctl", "--unit", unit, "--output", "cat", "--since", "-1min")
		return strings.Contains(stacks, "Main process exited")
	}, 10*time.Second, 100*time.Millisecond)
	return strings.Count(stacks, "\ngoroutine ")
}
