package main

import (
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
)

// journalSocket is where systemd-journald takes what services print.
const journalSocket = "/run/systemd/journal/stdout"

// info is the priority of what services print, see syslog(3).
const info = 6

// streamHeader is how a stream begins: identifier; unit, for lines of processes that are gone before journald can look
// them up; priority; whether a line may begin with another one, such as "<3>"; and whether to forward to syslog, the
// kernel log and the console.
const streamHeader = "%s\n%s\n%d\n1\n0\n0\n0\n"

// scriptLog gives the function that opens what scripts may write to: a stream to the journald that listens at socket,
// with the verb as its identifier, so that "journalctl -t power-on" finds it. It is the script's own stream and lives
// on when we do not. Without a socket, or with nobody there, it is our standard error.
func scriptLog(socket string) func(provider.Verb) (*os.File, error) {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	unit := unitOf(string(groups))
	return func(v provider.Verb) (*os.File, error) {
		if stream, err := journalStream(socket, unit, v.Identifier()); err == nil {
			return stream, nil
		}
		fd, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("standard error: %w", err)
		}
		return os.NewFile(uintptr(fd), os.Stderr.Name()), nil
	}
}

// journalStream opens a stream to journald: every line written to it is a journal entry with identifier as its
// SYSLOG_IDENTIFIER. The stream is blocking, as programs expect it of their standard error.
func journalStream(socket, unit, identifier string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	stream := os.NewFile(uintptr(fd), socket)
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: socket})
	if err == nil {
		_, err = fmt.Fprintf(stream, streamHeader, identifier, unit, info)
	}
	if err != nil {
		stream.Close()
		return nil, fmt.Errorf("journal %q: %w", socket, err)
	}
	return stream, nil
}

// unitOf is the service whose control group a process with this /proc/PID/cgroup is in; empty if in none.
func unitOf(groups string) string {
	for line := range strings.Lines(groups) {
		if unit := path.Base(strings.TrimSpace(line)); strings.HasSuffix(unit, ".service") {
			return unit
		}
	}
	return ""
}
