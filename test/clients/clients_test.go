//go:build e2e

// Package clients runs the clients of the field against an installed ShIPMI. A row of its tables is a command line, run
// as it stands, and what must be seen in its output; a group of rows is one client, or one product that drives a
// client. The package does not know the code it tests, and takes the machine that it runs on to pieces, so it runs
// in a disposable one only (test/clients/run). Its results become docs/works-with.md. The tables are the tests: start
// reading with ipmitool_test.go.
package clients

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const marker = "/etc/disposable-machine"

var document = flag.String("document", "", "where to write what was seen, if all clients worked")

// A group is what one client or product does, row by row, to a BMC that is new and whose machine is off.
type group struct {
	Name     string
	About    string        // for readers of the document, in Markdown
	Client   string        // the program behind it, one of versions; empty where there are several
	Source   string        // where the product's source has what it sends; empty where the product itself is run
	IPMI20   string        // how to make it speak IPMI 2.0, where it does not by itself
	Before   []string      // shell commands that prepare the machine
	Prefix   string        // how each of its command lines begins
	Patience time.Duration // for how long a command line may wait: 0 is a second
	Rows     []row
}

// A row is one command line, typed after the prefix of its group, and the regular expression that its output must
// match, in which ^ and $ match the ends of lines. It must succeed without a word on standard error. With "! " in
// front it must fail, and what it says on standard error is looked at too.
type row struct{ Line, Sees string }

var groups = slices.Concat(ipmitool, freeIPMI, goIPMI, users, serialConsoles, orchestrators, operators, redfish, refused)

func TestMain(m *testing.M) {
	if _, err := os.Stat(marker); err != nil {
		fmt.Fprintln(os.Stderr, "clients: these tests would wreck this machine; run them with test/clients/run")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func Test(t *testing.T) {
	var results []result
	for _, g := range groups {
		t.Run(g.Name, func(t *testing.T) {
			t.Chdir(newBMC(t, g))
			r := result{group: g}
			for _, row := range g.Rows {
				t.Run(row.Line, func(t *testing.T) { r.Seen = append(r.Seen, run(t, g, row)) })
			}
			results = append(results, r)
		})
	}
	if *document != "" && !t.Failed() {
		require.NoError(t, write(*document, results))
	}
}

// newBMC makes a BMC for the group, prepares the machine, and returns a folder with the files of testdata.
func newBMC(t *testing.T, g group) string {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata")))
	t.Setenv("HOME", dir)
	t.Setenv("PYTHONWARNINGS", "ignore")
	sh := func(line string) {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, out)
	}
	t.Cleanup(func() { sh("shipmi delete --all --yes; shipmi gateway disable; rm -rf /root/.freeipmi") }) // FreeIPMI keeps the records of sensors
	sh("shipmi add node-0 --provider dummy && shipmi start node-0")
	for _, line := range g.Before {
		sh(line)
	}
	return dir
}

// run runs a row and returns what it was looking for in the output.
func run(t *testing.T, g group, r row) string {
	line, fails := strings.CutPrefix(r.Line, "! ")
	var stdout, stderr bytes.Buffer
	sh := exec.Command("sh", "-c", g.Prefix+" "+line)
	sh.Stdout, sh.Stderr = &stdout, &stderr
	before := idle(t)
	err := sh.Run()
	waited := idle(t) - before

	seen := stdout.String()
	if fails {
		require.Error(t, err, "%s\n%s", sh, seen)
		seen += stderr.String()
	} else {
		require.NoError(t, err, "%s\n%s%s", sh, seen, &stderr)
		require.Empty(t, stderr.String(), "%s\n%s", sh, seen)
	}
	match := regexp.MustCompile("(?m)" + r.Sees).FindString(seen)
	require.Regexp(t, "(?m)"+r.Sees, seen, "%s", sh)
	require.Less(t, waited, max(g.Patience, time.Second), "%s", sh)
	return match
}

// idle is how long the processors of this machine, on average, have had nothing to do since it began (proc_stat(5)). A client that waits
// for an answer lets them idle; one that is slow because the machine is busy does not.
func idle(t *testing.T) time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	require.NoError(t, err)
	fields := strings.Fields(string(stat))
	hundredths, err := strconv.Atoi(fields[4])
	require.NoError(t, err)
	return time.Duration(hundredths) * time.Second / 100 / time.Duration(runtime.NumCPU())
}
