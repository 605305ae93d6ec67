package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// A peer is a BMC that is measured, for user "admin".
type peer struct {
	name   string
	addr   string
	suites []byte
	start  func(port int) []string // the command that starts it; nil: systemd does
	pid    func() string           // once it was started
	isEcho bool                    // no BMC at all: it sends back what it gets, which is the least that anybody can do

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

// peers listen on successive ports from 6230 on.
var peers = []peer{
	{name: shipmi, suites: []byte{3, 17}},
	{name: "ipmi_sim", suites: []byte{3}, start: startIPMISim},
	{name: pyghmi, suites: []byte{3}, neverForgets: true, start: func(port int) []string {
		return []string{"testdata/pyghmi-bmc", "127.0.0.1", strconv.Itoa(port)}
	}},
	{name: "go-ipmi", suites: []byte{3, 17}, start: func(port int) []string {
		return []string{"./bench-goipmi", fmt.Sprintf("127.0.0.1:%d", port)}
	}},
	{name: echo, suites: []byte{3, 17}, isEcho: true, start: func(port int) []string {
		return []string{"./bench-echo", strconv.Itoa(port)}
	}},
	{name: goEcho, suites: []byte{3, 17}, isEcho: true, start: func(port int) []string {
		return []string{"./bench-goecho", strconv.Itoa(port)}
	}},
}

// startIPMISim writes the port into a configuration file.
func startIPMISim(port int) []string {
	template, err := os.ReadFile("testdata/lan.conf")
	require.NoError(must, err)
	dir := fmt.Sprintf("/run/bench-ipmi_sim-%d", port)
	require.NoError(must, os.MkdirAll(dir, 0o755))
	conf := filepath.Join(dir, "lan.conf")
	require.NoError(must, os.WriteFile(conf, bytes.ReplaceAll(template, []byte("PORT"), fmt.Append(nil, port)), 0o644))
	return []string{"ipmi_sim", "-n", "-c", conf, "-f", "testdata/ipmi_sim.cmds", "-s", dir}
}

// at returns the peer on a port. It answers there as a service of its own, for the scheduler shares processors between
// those, see sched(7): none is nearer to the client than another.
func (p peer) at(port int, name string) peer {
	p.addr = fmt.Sprintf("127.0.0.1:%d", port)
	unit := "shipmi-bmc@" + name + ".service"
	if p.start != nil {
		unit = "bench-" + name + ".service"
		run("systemd-run", slices.Concat([]string{"--same-dir", "--unit", unit}, p.start(port))...)
	}
	for until := time.Now().Add(20 * time.Second); !p.answers(); time.Sleep(50 * time.Millisecond) {
		require.True(must, time.Now().Before(until), "%s does not answer: %s", p.name, run("journalctl", "--unit", unit))
	}
	p.pid = func() string { return show(unit, "MainPID") }
	return p
}

// copies starts a number of BMCs like a peer.
func (p peer) copies(n int) (all []peer) {
	const firstPort = 7000
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("copy-%d", i))
	}
	if p.start == nil {
		addBMCs(firstPort, names)
	}
	for i, name := range names {
		all = append(all, p.at(firstPort+i, name))
	}
	return all
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
