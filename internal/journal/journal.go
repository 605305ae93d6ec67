// Package journal leads to systemd-journald: the standard error of scripts, and the log of this process.
//
// Each line that a script writes becomes a journal entry with the identifier of the script, so that "journalctl -t power-on"
// finds it, and with the unit of this process. A script writes to the stream itself, and so the stream works when this
// process has ended. The log of this process consists of entries with fields.
//
// The package never waits for journald. When journald hangs, scripts run without it, and an entry is an error, so that the
// caller can write it elsewhere. The package does not know what a script is. Start reading at Streams.Open and Entries.
package journal

import (
	"fmt"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// defaultSocket is where journald accepts streams.
const defaultSocket = "/run/systemd/journal/stdout"

// Socket returns the path of journald's socket if this process may log for its unit, and otherwise an empty path. It may
// if its own standard error leads to journald, and if it is root: a line may be read when its writer is gone, and then
// journald believes only root about the unit.
func Socket(getenv func(string) string) string {
	if getenv("JOURNAL_STREAM") == "" || os.Geteuid() != 0 {
		return ""
	}
	return defaultSocket
}

// Streams opens streams to one journald.
//
// It keeps the stream of the last identifier, since a new one costs journald and systemd a third of a millisecond, and a
// status script may run every few seconds. It keeps one at most, since journald accepts only 4096.
type Streams struct {
	socket string // empty: there is no journald
	unit   string

	mu         sync.Mutex
	identifier string // of the kept stream
	kept       *os.File
}

// NewStreams returns the streams to the journald at a socket. With an empty path, they all lead to standard error.
func NewStreams(socket string) *Streams {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	return &Streams{socket: socket, unit: unitOf(string(groups))}
}

// Open returns a stream for lines with an identifier. The caller closes it. The stream leads to standard error of this
// process if journald cannot be reached, and to /dev/null if standard error is not being read either. Open does not
// wait for any of them.
//
// A line that a script leaves unfinished ends when the next stream with the identifier is opened.
func (s *Streams) Open(identifier string) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || s.identifier != identifier || !endLine(s.kept) {
		s.kept.Close()
		s.identifier = identifier
		s.kept, _ = connect(s.socket, s.unit, identifier)
	}
	switch {
	case s.kept != nil:
		return duplicate(s.kept)
	case hasRoom(os.Stderr):
		return duplicate(os.Stderr)
	}
	return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
}

// endLine ends an unfinished line, and reports whether the stream takes more. Journald ignores empty lines.
func endLine(stream *os.File) bool {
	return hasRoom(stream) && unix.Send(int(stream.Fd()), []byte("\n"), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) == nil
}

// hasRoom reports whether a write would not wait. Linux says so of a stream socket that is at least three quarters empty.
func hasRoom(f *os.File) bool {
	ready := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLOUT}}
	n, err := unix.Poll(ready, 0)
	return err == nil && n > 0
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

const (
	// streamHeader begins a stream: identifier, unit, priority, whether a line may begin with another priority such as
	// "<3>", and whether to forward lines to syslog, to the kernel log and to the console.
	streamHeader = "%s\n%s\n%d\n1\n0\n0\n0\n"

	info = 6 // priority, see syslog(3)
)

// connect opens a stream to journald. It fails at once, with EAGAIN, if journald has not accepted so many connections
// that the kernel refuses another one. The stream is blocking, as programs expect of their standard error.
func connect(socket, unit, identifier string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: socket})
	if err == nil {
		err = unix.Send(fd, fmt.Appendf(nil, streamHeader, identifier, unit, info), unix.MSG_NOSIGNAL)
	}
	if err == nil {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("journal %q: %w", socket, err)
	}
	return os.NewFile(uintptr(fd), socket), nil
}

// unitOf returns the service that a process with this /proc/PID/cgroup belongs to, or an empty text if there is none.
func unitOf(groups string) string {
	for line := range strings.Lines(groups) {
		if unit := path.Base(strings.TrimSpace(line)); strings.HasSuffix(unit, ".service") {
			return unit
		}
	}
	return ""
}
