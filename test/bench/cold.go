package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

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

// started are the programs whose cold start is measured: ours, and the least that one can be.
var started = []struct {
	of, program string
	isEcho      bool
}{
	{shipmi, "/usr/local/sbin/shipmi-bmc", false},
	{goEcho, "/opt/bench/bench-goecho", true},
	{echo, "/opt/bench/bench-echo", true},
}

// cold is the time from a datagram to its answer where there was no process, and what of it passes before systemd has
// begun to start one, and after that has become the program. All are started by the same unit.
func (b *bench) cold() {
	for i, s := range started {
		addBMCs(6240+2*i, []string{fmt.Sprintf("cold-%d", i), fmt.Sprintf("stamped-%d", i)})
		dropIn(fmt.Sprintf("cold-%d", i), "[Service]\nExecStart=\nExecStart="+s.program+"\n")
		dropIn(fmt.Sprintf("stamped-%d", i), "[Service]\nExecStart=\nExecStart=/opt/bench/bench stamp "+stampFile+" "+s.program+"\n")
	}
	run("systemctl", "daemon-reload")
	for range b.activations {
		for i, s := range started {
			a := activate(fmt.Sprintf("cold-%d", i), peer{addr: fmt.Sprintf("127.0.0.1:%d", 6240+2*i), isEcho: s.isEcho})
			b.add("cold/datagram to answer", s.of, "ms", milliseconds(a.answered-a.sent))
			b.add("cold/until systemd starts a process", s.of, "ms", milliseconds(a.forked-a.sent))

			a = activate(fmt.Sprintf("stamped-%d", i), peer{addr: fmt.Sprintf("127.0.0.1:%d", 6241+2*i), isEcho: s.isEcho})
			text, err := os.ReadFile(stampFile)
			require.NoError(must, err)
			stamp, err := strconv.ParseInt(string(text), 10, 64)
			require.NoError(must, err)
			b.add("cold/exec to answer", s.of, "ms", milliseconds(a.answered-time.Duration(stamp)))
		}
	}
}

// An activation is a cold start: when the datagram was sent, systemd had forked, and the answer came.
type activation struct{ sent, forked, answered time.Duration }

// activate has a BMC answer that has no process, and makes an end of it.
func activate(name string, p peer) (a activation) {
	service := "shipmi-bmc@" + name + ".service"
	require.Equal(must, "inactive", show(service, "ActiveState"), name)
	c := dial(p, 17)
	a.sent = now()
	once(c.exchangeKeys()[0])
	a.answered = now()
	c.socket.close()
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
