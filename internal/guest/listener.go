package guest

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/polled"
)

// A Listener is the local socket that systemd has passed.
type Listener struct{ polled.Socket }

// NewListener takes the descriptor of a socket that listens.
func NewListener(fd int) (*Listener, error) {
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	if _, local := bound.(*unix.SockaddrUnix); !local {
		return nil, errors.New("it is not a local one")
	}
	l := new(Listener)
	l.Socket, err = polled.New(fd, "guest socket")
	return l, err
}

// accept takes connections until the listener is closed, or until nothing can be entered any
// more. A connection that is in the queue by then starts the next process.
func (s *Server) accept(l *Listener) error {
	failed := error(nil)
	err := l.Read(func(socket uintptr) (done bool) {
		entered := s.BMC.Enter(func() {
			for failed == nil {
				var fd int
				if fd, _, failed = unix.Accept4(int(socket), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC); failed == nil {
					s.connected(fd)
				}
			}
		})
		if !entered || failed != unix.EAGAIN {
			return true
		}
		failed = nil
		return false
	})
	return errors.Join(err, failed)
}
