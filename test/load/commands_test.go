//go:build e2e

package load

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds is how often each command is measured. Its time is compared with that of a bare
// "systemctl daemon-reload" of the same round, so that the bounds hold on a busy host, too.
const rounds = 5

// What an administrator's commands may take with many BMCs, as multiples of a bare
// "systemctl daemon-reload". On a busy host with 200 BMCs they take 0.1, 0.03, 0.1, 1.3 and 1.2
// times as long. A daemon-reload more, or something done for each BMC, exceeds the bounds.
var bounds = map[string]float64{
	"list":           0.4,
	"set --comment":  0.3,
	"set --password": 0.4,
	"add":            1.8,
	"doctor":         4,
}

// Commands for one BMC among many do not get slow, and only those that have to make systemd
// read all unit files again.
func TestCommands(t *testing.T) {
	configure(t, *idle, time.Minute)
	var names []string
	for i := range *fleetSize {
		names = append(names, fmt.Sprintf("many-%d", i))
	}
	add := []string{"add", "--provider", "dummy", "--password", password, "--address", "127.0.0.1", "--port"}
	command(t, "shipmi", slices.Concat(add, []string{fmt.Sprintf("%d+", firstPort)}, names)...)
	shipmi := func(args ...string) time.Duration { return took(t, "shipmi", args...) }
	reload := func() time.Duration { return took(t, "systemctl", "daemon-reload") }

	// systemd alone, for comparison: the same sockets
	var sockets []string
	for _, name := range names {
		sockets = append(sockets, "shipmi-bmc@"+name+".socket")
	}
	bareStart := took(t, "systemctl", append([]string{"start"}, sockets...)...)
	bareReload := reload()
	bareStop := took(t, "systemctl", append([]string{"stop"}, sockets...)...)

	start := shipmi("start", "--all")
	fmt.Printf("start --all %v; systemctl start %v, daemon-reload %v\n", start, bareStart, bareReload)
	require.Less(t, start, 3*(bareStart+bareReload))

	ratios := make(map[string][]float64)
	for i := range rounds {
		alone := reload()
		measure := func(what string, args ...string) {
			ratios[what] = append(ratios[what], float64(shipmi(args...))/float64(alone))
		}
		measure("list", "list")
		before := loaded(t)
		measure("set --comment", "set", "many-7", "--comment", fmt.Sprint(i))
		measure("set --password", "set", "many-7", "--password", fmt.Sprint(i))
		require.Equal(t, before, loaded(t), "a comment and a password need no daemon-reload")
		measure("add", slices.Concat(add, []string{fmt.Sprint(firstPort + *fleetSize + i), fmt.Sprintf("one-%d", i)})...)
		require.NotEqual(t, before, loaded(t))
		measure("doctor", "doctor")
		require.Equal(t, "no", command(t, "systemctl", "show", "-P", "NeedDaemonReload", "shipmi-bmc@many-7.socket"))
	}
	for what, of := range ratios {
		slices.Sort(of)
		fmt.Printf("%s: %.2f times a daemon-reload\n", what, of)
		require.Less(t, of[len(of)/2], bounds[what], what)
	}

	alone := reload()
	deleted := shipmi("delete", "--all", "--yes")
	fmt.Printf("delete --all %v; systemctl stop %v, daemon-reload %v\n", deleted, bareStop, alone)
	require.Less(t, deleted, 3*(bareStop+2*alone))
	left, err := filepath.Glob("/etc/systemd/system/*/*shipmi-bmc*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// took returns how long a command takes.
func took(t *testing.T, name string, args ...string) time.Duration {
	t.Helper()
	start := time.Now()
	command(t, name, args...)
	return time.Since(start).Round(time.Millisecond)
}

// loaded returns when systemd read the unit files last, as a number that only grows.
func loaded(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("systemctl", "show", "-P", "UnitsLoadTimestampMonotonic").Output()
	require.NoError(t, err)
	text := strings.TrimSpace(string(out))
	require.NotEmpty(t, text)
	return text
}
