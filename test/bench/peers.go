package main

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// A peer is a BMC that is measured, for user "admin".
type peer struct {
	name, addr string
	suites     []byte
	command    []string      // starts it; none: systemd does
	pid        func() string // once it was started
	isEcho     bool          // no BMC at all: it sends back what it gets, which is the least that anybody can do

	neverForgets bool // a session, which it knows by its address: each needs a new one
}

const (
	shipmi = "ShIPMI"
	pyghmi = "pyghmi"
	echo   = "echo"
	goEcho = "bare Go"
)

// password has no blank: ipmi_sim could not be told.
const password = "correct-horse"

var peers = []peer{
	{name: shipmi, addr: "127.0.0.1:6230", suites: []byte{3, 17}},
	{name: "ipmi_sim", addr: "127.0.0.1:6231", suites: []byte{3},
		command: []string{"ipmi_sim", "-n", "-c", "testdata/lan.conf", "-f", "testdata/ipmi_sim.cmds", "-s", "/run"}},
	{name: pyghmi, addr: "127.0.0.1:6232", suites: []byte{3}, neverForgets: true,
		command: []string{"testdata/pyghmi-bmc", "127.0.0.1", "6232"}},
	{name: "go-ipmi", addr: "127.0.0.1:6233", suites: []byte{3, 17}, command: []string{"./bench-goipmi", "127.0.0.1:6233"}},
	{name: echo, addr: "127.0.0.1:6234", suites: []byte{3, 17}, isEcho: true, command: []string{"./bench-echo", "6234"}},
	{name: goEcho, addr: "127.0.0.1:6235", suites: []byte{3, 17}, isEcho: true, command: []string{"./bench-goecho", "6235"}},
}

// start has a peer answer, and returns how to find its process. Each is a service of its own, for the scheduler shares
// processors between those, see sched(7): none is nearer to the client than another.
func (p peer) start() (pid func() string) {
	unit := "shipmi-bmc@bench.service"
	if p.command == nil {
		addBMCs(6230, []string{"bench"})
	} else {
		unit = strings.ReplaceAll("bench-"+p.name, " ", "-") + ".service"
		run("systemd-run", slices.Concat([]string{"--same-dir", "--unit", unit}, p.command)...)
	}
	for until := time.Now().Add(10 * time.Second); !p.answers(); time.Sleep(50 * time.Millisecond) {
		require.True(must, time.Now().Before(until), "%s does not answer: %s", p.name, run("journalctl", "--unit", unit))
	}
	return func() string { return show(unit, "MainPID") }
}

// answers tells whether there is an answer to an Open Session Request.
func (p peer) answers() bool {
	conn, err := net.Dial("udp", p.addr)
	require.NoError(must, err)
	defer conn.Close()
	_, _ = conn.Write(console.New(must, 3).Open())
	require.NoError(must, conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1024))
	return err == nil
}

// addBMCs adds and starts BMCs of ours at successive ports, and returns how long that took.
func addBMCs(firstPort int, names []string, options ...string) (adding, starting time.Duration) {
	add := []string{"add", "--provider", "/opt/bench/testdata/provider.conf", "--password", password,
		"--address", "127.0.0.1", "--port", fmt.Sprintf("%d+", firstPort)}
	adding = timed("shipmi", slices.Concat(add, options, names)...)
	starting = timed("shipmi", append([]string{"start"}, names...)...)
	return adding, starting
}

// timed is how long a program takes that must succeed.
func timed(name string, args ...string) time.Duration {
	start := time.Now()
	run(name, args...)
	return time.Since(start)
}

// show returns a property of a unit.
func show(unit, property string) string {
	return run("systemctl", "show", "--property", property, "--value", unit)
}

// run runs a program that must succeed and returns what it printed.
func run(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(must, err, "%s %.300s: %.3000s", name, strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}
