package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// systemctl is systemd without ShIPMI: the same order, given with systemctl.
const systemctl = "systemctl"

// fewForSystemctl is the greatest number of units that systemctl is measured with. It disables 1,000 units in 14 s.
const fewForSystemctl = 1000

// manage measures the commands of an administrator among n BMCs that listen, each beside the
// same order to systemctl, where there is one. Afterwards there are no BMCs.
func (b *bench) manage(n int) {
	rounds := b.someRounds(n)
	took := func(name, of string, passed time.Duration) {
		b.add(fmt.Sprintf("manage/bmcs=%d/%s", n, name), of, "ms", milliseconds(passed))
	}
	timedAs := func(name, of, program string, args ...string) { took(name, of, timed(program, args...)) }
	for i := range rounds {
		timedAs("list", shipmi, "shipmi", "list")
		timedAs("set --comment", shipmi, "shipmi", "set", "fleet-0", "--comment", fmt.Sprint(i))
		timedAs("set --password", shipmi, "shipmi", "set", "fleet-0", "--password", password+fmt.Sprint(i))
		run("shipmi", "set", "fleet-0", "--password", password)
		if canReload() {
			timedAs("add 1", systemctl, "sh", "-c", reload)
			timedAs("add 1", shipmi, "shipmi", "add", "one", "--provider", "dummy",
				"--password", password, "--address", "127.0.0.1", "--port", strconv.Itoa(firstOfFleet-1))
			run("shipmi", "delete", "one", "--yes")
		}
		timedAs("doctor", shipmi, "sh", "-c", "shipmi doctor || true") // peers are in its way
		run("sh", "-c", "systemctl stop 'shipmi-bmc@*.service'")
	}
	sockets := socketsOf(namesOf("fleet", 0, n))
	for range rounds {
		if n <= fewForSystemctl {
			disabled := timed("systemctl", append([]string{"disable", "--now"}, sockets...)...)
			took("stop --all", systemctl, disabled)
			took("delete --all", systemctl, disabled)
			timedAs("start --all", systemctl, "systemctl", append([]string{"enable", "--now"}, sockets...)...)
		}
		timedAs("stop --all", shipmi, "shipmi", "stop", "fleet-*")
		timedAs("start --all", shipmi, "shipmi", "start", "fleet-*")
		timedAs("export", shipmi, "sh", "-c", "umask 077; shipmi export --show-passwords 'fleet-*' >/root/fleet.yml")
		timedAs("apply, nothing differs", shipmi, "shipmi", "apply", "-f", "/root/fleet.yml")
		timedAs("delete --all", shipmi, "shipmi", "delete", "fleet-*", "--yes")
		timedAs("apply, all are added and started", shipmi, "shipmi", "apply", "-f", "/root/fleet.yml")
	}
	b.role(n, timedAs)
	run("shipmi", "delete", "fleet-*", "--yes")
}

// role measures a run of the Ansible role that adds and starts BMCs, and another one that finds
// nothing to do.
func (b *bench) role(n int, timedAs func(name, of, program string, args ...string)) {
	var bmcs []map[string]any
	for i, name := range namesOf("fleet", 0, n) {
		bmcs = append(bmcs, map[string]any{
			"name": name, "provider": "dummy", "address": []string{"127.0.0.1"}, "port": firstOfFleet + i, "password": password,
		})
	}
	text, err := json.Marshal(map[string]any{"shipmi_bmcs": bmcs})
	require.NoError(must, err)
	require.NoError(must, os.WriteFile("/root/inventory.json", text, 0o600))
	run("shipmi", "delete", "fleet-*", "--yes")
	playbook := func(name string) {
		timedAs(name, shipmi, "env", "ANSIBLE_ROLES_PATH=/opt/bench/ansible/roles",
			"ansible-playbook", "--inventory", "localhost,", "--extra-vars", "@/root/inventory.json", "testdata/playbook.yml")
	}
	playbook("the Ansible role, the first time")
	playbook("the Ansible role, nothing differs")
}

// someRounds is how often something is measured that takes long among n BMCs.
func (b *bench) someRounds(n int) int {
	if n > 1000 {
		return 1
	}
	return min(b.repeat, 3)
}

// namesOf returns the names of BMCs, which end in the numbers from first up to, and not including, end.
func namesOf(prefix string, first, end int) (names []string) {
	for i := first; i < end; i++ {
		names = append(names, fmt.Sprintf("%s-%d", prefix, i))
	}
	return names
}

func socketsOf(names []string) (sockets []string) {
	for _, name := range names {
		sockets = append(sockets, "shipmi-bmc@"+name+".socket")
	}
	return sockets
}

// A layout is a way to write the units of many BMCs.
type layout struct {
	name     string
	template string // a drop-in of all sockets and services
	slices   int    // how many slices the BMCs are spread over; 0: those that ShIPMI chooses
	atMost   int    // with more BMCs, it takes hours; 0: any number
}

const asShipped = "as shipped"

var layouts = []layout{
	{name: asShipped},
	{name: "DefaultDependencies=no", template: "[Unit]\nDefaultDependencies=no\n"},
	{name: "one slice", slices: 1, atMost: 1000}, // as systemd does by default
	{name: "16 slices", slices: 16, atMost: 1000},
	{name: "512 slices", slices: 512},
}

// units measures what systemd itself needs for the units of BMCs: the processor time of PID 1,
// in which it starts the sockets, and reads all unit files again, and its memory. Beside it stand
// options that might make it faster or smaller.
func (b *bench) units() {
	for _, l := range layouts {
		if l.atMost == 0 || b.bmcs <= l.atMost {
			b.layout(l, b.bmcs)
		}
	}
}

func (b *bench) layout(l layout, n int) {
	names := namesOf("unit", 0, n)
	write := func(unit, text string) {
		dir := filepath.Join("/etc/systemd/system", unit+".d")
		require.NoError(must, os.MkdirAll(dir, 0o755))
		require.NoError(must, os.WriteFile(filepath.Join(dir, "90-bench.conf"), []byte(text), 0o644))
	}
	run("systemctl", "daemon-reexec") // PID 1 does not give back the memory of units that are gone
	before := pid1()
	run("shipmi", slices.Concat([]string{"add", "--provider", "dummy", "--password", password, "--address", "127.0.0.1",
		"--port", fmt.Sprintf("%d+", firstOfFleet)}, names)...)
	if l.template != "" {
		write("shipmi-bmc@.socket", l.template)
		write("shipmi-bmc@.service", l.template)
	}
	for i, name := range names {
		if l.slices > 0 {
			slice := fmt.Sprintf("Slice=shipmi-%d.slice\n", i%l.slices)
			write("shipmi-bmc@"+name+".socket", "[Socket]\n"+slice)
			write("shipmi-bmc@"+name+".service", "[Service]\n"+slice)
		}
	}
	run("systemctl", "daemon-reload")
	figure := fmt.Sprintf("units/bmcs=%d/", n)
	b.add(figure+"start", l.name, "ms", milliseconds(processorTime("systemctl", append([]string{"start"}, socketsOf(names)...)...)))
	for range b.someRounds(n) {
		if !canReload() {
			break
		}
		b.add(figure+"daemon-reload", l.name, "ms", milliseconds(processorTime("sh", "-c", reload)))
	}
	b.add(figure+"memory", l.name, "KiB", pid1()-before)
	run("shipmi", "delete", "unit-*", "--yes")
	run("sh", "-c", "rm -rf /etc/systemd/system/shipmi-bmc@.*.d && systemctl daemon-reload")
}

// whenDone ends when PID 1 has time to answer.
const whenDone = "systemctl show --property Version"

// reload has systemd read all unit files again, and ends when systemd has done so.
const reload = "systemctl daemon-reload && " + whenDone

// canReload reports whether systemd may open every socket twice, which it does while it reads
// unit files again. Otherwise "systemctl daemon-reload" does nothing, and succeeds.
func canReload() bool {
	open, err := os.ReadDir("/proc/1/fd")
	require.NoError(must, err)
	text, err := os.ReadFile("/proc/1/limits")
	require.NoError(must, err)
	_, limits, _ := strings.Cut(string(text), "Max open files")
	limit, err := strconv.Atoi(strings.Fields(limits)[0])
	require.NoError(must, err)
	return 2*len(open) < limit
}

// pid1 returns the memory of PID 1, in KiB, when it has done what it was told.
func pid1() float64 {
	run("sh", "-c", whenDone)
	return smaps("1")["Rss"]
}

// processorTime runs a command, and returns how much processor time PID 1 took meanwhile. The
// unit of the kernel is 10 ms.
func processorTime(name string, args ...string) time.Duration {
	ticks := func() (sum time.Duration) {
		text, err := os.ReadFile("/proc/1/stat")
		require.NoError(must, err)
		_, fields, _ := strings.Cut(string(text), ") ")
		for _, field := range strings.Fields(fields)[11:13] { // utime and stime, see proc_pid_stat(5)
			n, err := strconv.Atoi(field)
			require.NoError(must, err)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
		return sum
	}
	before := ticks()
	run(name, args...)
	return ticks() - before
}
