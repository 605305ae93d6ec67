//go:build e2e

package crash

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	firstBoot  = "11111111-1111-4111-8111-111111111111"
	secondBoot = "22222222-2222-4222-8222-222222222222"
)

// within has the next processes run in Linux namespaces of their own, after the shell command prepare has run there.
func (h *host) within(namespaces, prepare string) {
	h.wrap(fmt.Sprintf("exec unshare %s --fork --kill-child sh -c '%s && LISTEN_PID=$$ exec %s'", namespaces, prepare, program(h.t, "v1.0")))
	h.last = syscall.SIGKILL // unshare keeps SIGTERM to itself
}

// wrap has the next processes be this shell command, which is to execute the program with LISTEN_PID as it is.
func (h *host) wrap(command string) {
	path := h.Path(fmt.Sprintf("wrapped.%d", h.deaths.Load()))
	writeProgram(h.t, path, "#!/bin/sh\nexport LISTEN_PID\n"+command+"\n")
	h.program = path
}

// uptime is the time since the boot of the host that the processes see.
func (h *host) uptime() time.Duration {
	var now unix.Timespec
	require.NoError(h.t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	return time.Duration(now.Nano()) + h.ahead
}

// booted has the next processes run on a host with that boot ID that was booted so long ago, or up to a second more.
func (h *host) booted(id string, ago time.Duration) {
	h.Write("boot-id", id+"\n")
	seconds := int(math.Ceil((ago - h.uptime() + h.ahead).Seconds()))
	h.ahead = time.Duration(seconds) * time.Second
	h.within("--mount --time --boottime "+strconv.Itoa(seconds),
		"mount --bind "+h.Path("boot-id")+" /proc/sys/kernel/random/boot_id")
}

// reboots ends the process that runs, and boots the host: with another boot ID, and without a runtime directory.
func (h *host) reboots(ago time.Duration) {
	h.kill9()
	require.NoError(h.t, os.RemoveAll(h.Path("runtime")))
	require.NoError(h.t, os.Mkdir(h.Path("runtime"), 0o700))
	h.booted(secondBoot, ago)
}
