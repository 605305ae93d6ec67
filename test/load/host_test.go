//go:build e2e

package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A usage is what something takes of the machine.
type usage struct {
	private     int // KiB of memory that no other process shares
	descriptors int
	threads     int
}

func usageOf(pid int) (usage, error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	descriptors, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return usage{}, err
	}
	text, err := os.ReadFile(dir + "/status")
	if err != nil {
		return usage{}, err
	}
	u := usage{descriptors: len(descriptors)}
	for line := range strings.Lines(string(text)) {
		switch field := strings.Fields(line); field[0] {
		case "RssAnon:":
			u.private, err = strconv.Atoi(field[1])
		case "Threads:":
			u.threads, err = strconv.Atoi(field[1])
		}
	}
	return u, err
}

func (u usage) String() string {
	return fmt.Sprintf("%d KiB, %d descriptors, %d threads", u.private, u.descriptors, u.threads)
}

// processes returns those of all BMCs.
func processes(t *testing.T) (pids []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, link := range links {
		program, err := os.Readlink(link)
		if err == nil && strings.HasSuffix(program, "/shipmi-bmc") { // else it has just ended
			pid, err := strconv.Atoi(strings.Split(link, "/")[2])
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// privateOf adds up the memory of processes that have not ended yet.
func privateOf(pids []int) (sum int) {
	for _, pid := range pids {
		if u, err := usageOf(pid); err == nil {
			sum += u.private
		}
	}
	return sum
}

// A rest is the machine while no BMC has a process.
type rest struct {
	usage                // of PID 1
	units, groups, files int
}

// atRest waits until every process is idle and gone.
func atRest(t *testing.T) rest {
	t.Helper()
	require.Eventually(t, func() bool { return len(processes(t)) == 0 }, time.Minute, 100*time.Millisecond)
	require.Eventually(t, func() bool {
		return command(t, "systemctl", "list-jobs", "--no-legend") == ""
	}, time.Minute, 100*time.Millisecond)
	manager, err := usageOf(1)
	require.NoError(t, err)
	r := rest{
		usage:  manager,
		units:  strings.Count(command(t, "systemctl", "list-units", "--all", "--no-legend", "shipmi-bmc*@*"), "shipmi-bmc"),
		groups: count(t, "/sys/fs/cgroup", "shipmi-bmc@"),
	}
	states, err := filepath.Glob("/var/lib/shipmi-bmc/*")
	require.NoError(t, err)
	for _, dir := range states {
		r.files = max(r.files, count(t, dir, "")+count(t, filepath.Join("/run/shipmi-bmc", filepath.Base(dir)), ""))
	}
	fmt.Println("at rest:", r)
	return r
}

// count is how many files and directories below root have a name with this prefix. They may vanish meanwhile.
func count(t *testing.T, root, prefix string) (n int) {
	t.Helper()
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && strings.HasPrefix(d.Name(), prefix) {
			n++
		}
		return err
	})
	require.NoError(t, err)
	return n
}

func (r rest) String() string {
	return fmt.Sprintf("PID 1 has %v; %d units, %d control groups, %d files of one BMC", r.usage, r.units, r.groups, r.files)
}
