package lan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Sockets are the sockets of one BMC. They wait for a datagram in poll(2) and not in Go's
// network poller: the poller wakes two threads for each datagram, and each wake-up costs more
// than handling a request.
type Sockets struct {
	all    []*Socket
	next   int           // of all
	polled []unix.PollFd // all sockets, then the eventfd(2) of wake, then the descriptor of watch
}

// NewSockets returns the set of the given sockets.
func NewSockets(all ...*Socket) (*Sockets, error) {
	s := &Sockets{all: all}
	for _, one := range all {
		s.polled = append(s.polled, unix.PollFd{Fd: int32(one.fd), Events: unix.POLLIN})
	}
	waker, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	s.polled = append(s.polled, unix.PollFd{Fd: int32(waker), Events: unix.POLLIN}, unix.PollFd{Fd: -1})
	return s, nil
}

// Address is the address that the first socket is bound to; not valid if there is no socket.
func (s *Sockets) Address() netip.AddrPort {
	if len(s.all) == 0 {
		return netip.AddrPort{}
	}
	return s.all[0].local
}

// Addresses are those that the sockets are bound to, in their order.
func (s *Sockets) Addresses() (all []netip.Addr) {
	for _, one := range s.all {
		all = append(all, one.local.Addr())
	}
	return all
}

// receive implements network.
func (s *Sockets) receive(d *datagram, wait time.Duration) (bool, error) {
	answerable, err := s.take(d)
	if errors.Is(err, unix.EAGAIN) {
		if err := s.wait(wait); err != nil {
			return false, err
		}
		answerable, err = s.take(d)
	}
	if errors.Is(err, unix.EAGAIN) {
		err = nil
	}
	return answerable, err
}

// take reads a datagram, from each socket in turn; the error is EAGAIN if there is none.
func (s *Sockets) take(d *datagram) (answerable bool, err error) {
	for range s.all {
		s.next = (s.next + 1) % len(s.all)
		if answerable, err = s.all[s.next].receive(d); !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	return answerable, err
}

// wait waits for a datagram, a call of wake, or the end of the time.
func (s *Sockets) wait(long time.Duration) error {
	if _, err := unix.Poll(s.polled, int(long.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	if waker := s.polled[len(s.all)]; waker.Revents != 0 {
		_, _ = unix.Read(int(waker.Fd), make([]byte, 8))
	}
	return nil
}

// send implements network.
func (s *Sockets) send(to *address, b []byte) error { return to.socket.send(to, b) }

// wake implements network.
func (s *Sockets) wake() {
	_, _ = unix.Write(int(s.polled[len(s.all)].Fd), binary.NativeEndian.AppendUint64(nil, 1))
}

// watch implements network.
func (s *Sockets) watch(fd int, events int16) {
	watched := &s.polled[len(s.all)+1]
	watched.Fd, watched.Events = int32(fd), events
}

// way implements network. The socket is one of those that have the address, or any one of
// its family if that is not known.
func (s *Sockets) way(peer, local netip.AddrPort) address {
	to := address{peer: peer, local: local}
	for _, one := range s.all {
		if one.reaches(peer.Addr()) && (to.socket == nil || one.local == local || one.local.Addr().IsUnspecified()) {
			to.socket = one
		}
	}
	if to.socket != nil && local.Addr().IsValid() && !local.Addr().IsUnspecified() && to.socket.reaches(local.Addr()) {
		to.used = copy(to.info[:], to.socket.infoFrom(local.Addr(), peer.Addr()))
	}
	return to
}

// Discard throws away what arrives in that time. Without a socket, nothing can arrive.
func (s *Sockets) Discard(d time.Duration) {
	if len(s.all) == 0 {
		return
	}
	var thrown datagram
	for until := time.Now().Add(d); time.Now().Before(until); {
		_, _ = s.receive(&thrown, time.Until(until))
	}
}
