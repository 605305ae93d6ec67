package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
)

// journalSocket is where systemd-journald takes what services print.
const journalSocket = "/run/systemd/journal/stdout"

// info is the priority of what services print, see syslog(3).
const info = 6

// scriptLog gives the function that opens what scripts may write to: a stream to the journald that listens at socket,
// with the verb as its identifier, so that "journalctl -t power-on" finds it. It is the script's own stream and lives
// on when we do not. Without a socket, or with nobody there, it is our standard error.
func scriptLog(socket string) func(provider.Verb) (*os.File, error) {
	return func(v provider.Verb) (*os.File, error) {
		if stream, err := journalStream(socket, v.Identifier(), info); err == nil {
			return stream, nil
		}
		fd, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("standard error: %w", err)
		}
		return os.NewFile(uintptr(fd), os.Stderr.Name()), nil
	}
}

// journalStream opens a stream to journald: every line written to it is a journal entry with that SYSLOG_IDENTIFIER
// and, unless the line begins with another one such as "<3>", that priority. The stream is blocking, as programs
// expect it of their standard error.
func journalStream(socket, identifier string, priority int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	stream := os.NewFile(uintptr(fd), socket)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		stream.Close()
		return nil, fmt.Errorf("journal %q: %w", socket, err)
	}
	// Identifier, unit (journald knows it), priority, whether lines may begin with one, and whether to forward to
	// syslog, kernel log and console.
	if _, err := fmt.Fprintf(stream, "%s\n\n%d\n1\n0\n0\n0\n", identifier, priority); err != nil {
		stream.Close()
		return nil, fmt.Errorf("journal %q: %w", socket, err)
	}
	return stream, nil
}
