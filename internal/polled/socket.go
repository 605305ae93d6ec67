// Package polled has the sockets on which a goroutine waits in the poller of Go, without a thread
// of its own, while it calls the kernel itself. They are those that systemd has passed, and
// connections from them. The package knows no protocol. Start reading at New.
package polled

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Socket is a socket whose methods Read and Write wait until the kernel is ready.
type Socket struct {
	syscall.RawConn
	file *os.File
}

// New takes a descriptor. The name is for errors.
func New(fd int, name string) (Socket, error) {
	if err := unix.SetNonblock(fd, true); err != nil { // or os.File would not use the poller
		return Socket{}, err
	}
	f := os.NewFile(uintptr(fd), name)
	raw, err := f.SyscallConn()
	return Socket{raw, f}, err
}

// Close closes the socket. Methods that wait return an error.
func (s Socket) Close() error { return s.file.Close() }

// Discard takes connections out of the queue of a socket that listens, and closes them, until
// there is none. A process that cannot serve would be started for them again and again.
func (s Socket) Discard() {
	_ = s.Control(func(fd uintptr) {
		for {
			accepted, _, err := unix.Accept4(int(fd), unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			unix.Close(accepted)
		}
	})
}
