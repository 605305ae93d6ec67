//go:build e2e

// Package load keeps a fleet of BMCs busy and looks at what that leaves behind: memory, descriptors, threads, files,
// control groups. The consoles are those of test/console, with the patience of ipmitool, and some are ipmitool itself.
// It does not know the code it tests, and fills the machine that it runs on, so it runs in a disposable one only
// (test/load/run). Start reading with fleet_test.go.
package load

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const marker = "/etc/disposable-machine"

// The forms of the tests differ in these.
var (
	fleetSize = flag.Int("bmcs", 200, "how many BMCs there are, at least as many as consoles")
	consoles  = flag.Int("consoles", 200, "how many consoles ask at the same time")
	rate      = flag.Float64("rate", 100, "how many requests a second all consoles make, or fewer if they have to wait")
	polling   = flag.Duration("polling", 20*time.Second, "how long they ask, in all")
	idle      = flag.Duration("idle", 4*time.Second, "how long a process waits for a request")
	sessions  = flag.Int("sessions", 3000, "how many sessions one process serves")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := os.Stat(marker); err != nil {
		fmt.Fprintln(os.Stderr, "load: these tests would fill this machine; run them with test/load/run")
		os.Exit(1)
	}
	// Consoles are parallel subtests, and shall all run at once.
	if err := flag.Set("test.parallel", fmt.Sprint(*consoles+1)); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// configure writes the settings of BMCs that are added from now on.
func configure(t *testing.T, idle, session time.Duration) {
	t.Helper()
	require.NoError(t, os.MkdirAll("/etc/shipmi", 0o755))
	text := fmt.Sprintf("[timeouts]\nidle = %v\nsession = %v\n", idle, session)
	require.NoError(t, os.WriteFile("/etc/shipmi/daemon.conf", []byte(text), 0o644))
}

// command runs a program and returns what it printed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %q: %s", name, args, out)
	return strings.TrimSpace(string(out))
}

// percentiles prints the distribution of times.
func percentiles(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	slices.Sort(times)
	at := func(p float64) time.Duration {
		return times[int(p*float64(len(times)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d, p50 %v, p99 %v, longest %v", len(times), at(0.5), at(0.99), at(1))
}
