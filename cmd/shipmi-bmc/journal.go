package main

import (
	"fmt"
	"os"
	"path"
	"strings"
	"sync"

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

// scriptLogs opens what scripts may write to: a stream to the journald that listens at socket, with the verb as its
// identifier, so that "journalctl -t power-on" finds it. A script has the stream itself, which lives on when we do not.
//
// The stream of the last verb is kept, for it costs journald and systemd a third of a millisecond to make one, and a
// status is asked for all day. Only one is: journald has 4096. A line that a script has left unfinished ends when the next
// one begins, or with us.
type scriptLogs struct {
	socket string // empty: there is no journald for us
	unit   string

	mu   sync.Mutex
	verb provider.Verb
	kept *os.File
}

func newScriptLogs(socket string) *scriptLogs {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	return &scriptLogs{socket: socket, unit: unitOf(string(groups))}
}

// open is for provider.Runner. Without a journald, or with nobody there, what it opens is our standard error.
func (l *scriptLogs) open(v provider.Verb) (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil || l.verb != v || !takesMore(l.kept) {
		l.kept.Close()
		l.verb = v
		l.kept, _ = journalStream(l.socket, l.unit, v.Identifier())
	}
	if l.kept == nil {
		return duplicate(os.Stderr)
	}
	return duplicate(l.kept)
}

// takesMore ends a line, and tells whether there is somebody to take that, and room for it. Of empty lines journald makes
// no entries.
func takesMore(stream *os.File) bool {
	return unix.Send(int(stream.Fd()), []byte("\n"), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) == nil
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
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
