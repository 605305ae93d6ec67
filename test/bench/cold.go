package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// sandbox is what "shipmi add --run-as" gives a BMC, one option a line.
const sandbox = "/usr/local/share/shipmi/sandbox.conf"

// own are the options of the unit that can be taken away, and what has to take their place.
var own = map[string]string{
	"CapabilityBoundingSet": "CapabilityBoundingSet=~\n",
	"LimitCORE":             "LimitCORE=infinity\n",
	"WatchdogSec":           "WatchdogSec=0\n",
	"LoadCredential":        "LoadCredential=\nEnvironment=CREDENTIALS_DIRECTORY=/run/bench-credentials\n",
}

const stampFile = "/run/bench-stamp"

// now is the time of CLOCK_MONOTONIC, which all processes share.
func now() time.Duration {
	var t unix.Timespec
	require.NoError(must, unix.ClockGettime(unix.CLOCK_MONOTONIC, &t))
	return time.Duration(t.Nano())
}

// stampAndExec is put between systemd and a program: from what it writes on, the time is the program's own.
func stampAndExec(file string, program []string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(f, int64(now())); err != nil {
		return err
	}
	return unix.Exec(program[0], program, os.Environ())
}

// cold is the time from a datagram to its answer where there was no process, and what of it passes before and after
// systemd has begun to start one, and after that has become ours.
func (b *bench) cold() {
	addBMCs(6240, []string{"cold", "stamped"})
	dropIn("stamped", "[Service]\nExecStart=\nExecStart=/opt/bench/bench stamp "+stampFile+" /usr/local/sbin/shipmi-bmc\n")
	run("systemctl", "daemon-reload")
	for range b.activations {
		a := activate("cold", "127.0.0.1:6240")
		b.add("cold/datagram to answer", shipmi, "ms", milliseconds(a.answered-a.sent))
		b.add("cold/until systemd starts a process", shipmi, "ms", milliseconds(a.forked-a.sent))

		a = activate("stamped", "127.0.0.1:6241")
		text, err := os.ReadFile(stampFile)
		require.NoError(must, err)
		stamp, err := strconv.ParseInt(string(text), 10, 64)
		require.NoError(must, err)
		b.add("cold/exec to answer", shipmi, "ms", milliseconds(a.answered-time.Duration(stamp)))
	}
}

// An activation is a cold start: when the datagram was sent, systemd had forked, and the answer came.
type activation struct{ sent, forked, answered time.Duration }

// activate has a BMC answer that has no process, and makes an end of it.
func activate(name, addr string) (a activation) {
	service := "shipmi-bmc@" + name + ".service"
	require.Equal(must, "inactive", show(service, "ActiveState"), name)
	c := dial(peer{name: name, addr: addr}, 17)
	open := c.Open()
	a.sent = now()
	answer := c.exchange(open)
	a.answered = now()
	c.ReadOpen(answer)
	c.conn.Close()
	forked, err := time.ParseDuration(show(service, "ExecMainStartTimestampMonotonic") + "us")
	require.NoError(must, err)
	a.forked = forked
	run("systemctl", "stop", service)
	return a
}

func dropIn(name, text string) {
	dir := fmt.Sprintf("/etc/systemd/system/shipmi-bmc@%s.service.d", name)
	require.NoError(must, os.MkdirAll(dir, 0o755))
	require.NoError(must, os.WriteFile(filepath.Join(dir, "90-bench.conf"), []byte(text), 0o644))
}

// options is what each option of the unit costs at a cold start: of the sandbox against a BMC that has none of it, of
// the unit itself against one that has them all. There is a BMC for each, and they take turns.
func (b *bench) options() {
	type variant struct{ name, figure, of string }
	all := []variant{{"bare", "sandbox", "none"}, {"sandboxed", "sandbox", "all of it"}, {"unit", "unit", "as it is"}}
	text := map[string]string{}
	lines, err := os.ReadFile(sandbox)
	require.NoError(must, err)
	for i, line := range strings.Split(string(lines), "\n") {
		if strings.Contains(line, "=") && !strings.HasPrefix(line, "#") {
			v := variant{fmt.Sprintf("sandbox-%d", i), "sandbox", line}
			all, text[v.name] = append(all, v), "[Service]\n"+line+"\n"
		}
	}
	for option, instead := range own {
		v := variant{"without-" + option, "unit", "without " + option}
		all, text[v.name] = append(all, v), "[Service]\n"+instead
	}

	run("useradd", "--system", "bench")
	var plain, sandboxed []string
	for _, v := range all {
		if v.figure == "sandbox" {
			sandboxed = append(sandboxed, v.name)
		} else {
			plain = append(plain, v.name)
		}
	}
	addBMCs(6300, plain)
	addBMCs(6400, sandboxed, "--run-as", "bench")
	run("sh", "-c", "cp -r /run/credentials/shipmi-bmc@bench.service /run/bench-credentials")
	for _, v := range all {
		if v.figure == "sandbox" && v.name != "sandboxed" {
			masked := fmt.Sprintf("/etc/systemd/system/shipmi-bmc@%s.service.d/40-sandbox.conf", v.name)
			run("ln", "-sf", "/dev/null", masked)
		}
		dropIn(v.name, text[v.name])
	}
	run("systemctl", "daemon-reload")

	ports := map[string]int{}
	for i, name := range plain {
		ports[name] = 6300 + i
	}
	for i, name := range sandboxed {
		ports[name] = 6400 + i
	}
	for range max(1, b.activations/4) {
		for _, v := range all {
			a := activate(v.name, fmt.Sprintf("127.0.0.1:%d", ports[v.name]))
			b.add("options/"+v.figure, v.of, "ms", milliseconds(a.answered-a.sent))
		}
	}
}
