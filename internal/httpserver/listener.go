package httpserver

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/polled"
)

// A Listener is a socket that systemd has passed: of TCP, or a local one, which the gateway of
// the host uses.
type Listener struct {
	polled.Socket
	address netip.AddrPort // not valid: the socket is local
}

// NewListener takes the descriptor of a socket that listens.
func NewListener(fd int) (*Listener, error) {
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	l := new(Listener)
	switch a := bound.(type) {
	case *unix.SockaddrInet4:
		l.address = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		l.address = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	case *unix.SockaddrUnix:
	default:
		return nil, errors.New("it is neither one of TCP nor a local one")
	}
	if l.NeedsCertificate() {
		tune(fd)
	}
	l.Socket, err = polled.New(fd, "socket")
	return l, err
}

// Values that we chose for TCP.
const (
	bufferSize  = 64 << 10 // bytes, which the kernel doubles
	silenceTime = 10       // seconds for which the kernel holds back a connection that says nothing
)

// tune limits the memory of connections: the unit has buffers for datagrams,
// which every connection would inherit. A connection that says nothing does not start a process:
// systemd keeps the socket and its options. A kernel that cannot do either serves as well.
func tune(fd int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bufferSize)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, bufferSize)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, silenceTime)
}

// Address is the address that the socket is bound to; not valid for a local socket.
func (l *Listener) Address() netip.AddrPort { return l.address }

// NeedsCertificate reports whether clients speak TLS. Those of a local socket, which are programs of
// this host, do not.
func (l *Listener) NeedsCertificate() bool { return l.address.IsValid() }

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.address) }

// admitted is a Listener whose connections the table of connections knows.
type admitted struct {
	*Listener
	server *Server
}

// Accept implements [net.Listener].
func (l admitted) Accept() (net.Conn, error) {
	for {
		conn, err := l.accept()
		if err != nil {
			return nil, err
		}
		if c := l.server.admit(conn, !l.NeedsCertificate()); c != nil {
			return c, nil
		}
		conn.Close()
	}
}

// accept waits for a connection. From then on the process is needed, until admit is called.
func (l admitted) accept() (net.Conn, error) {
	fd, failed := -1, error(nil)
	err := l.Read(func(socket uintptr) (done bool) {
		entered := l.server.Enter(func() {
			fd, _, failed = unix.Accept4(int(socket), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if failed == nil {
				l.server.connections.accepted++
			}
		})
		if !entered {
			failed = net.ErrClosed
		}
		return !errors.Is(failed, unix.EAGAIN)
	})
	switch {
	case err != nil:
		return nil, err
	case failed != nil: // package http waits, and tries again, if the error may pass
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: os.NewSyscallError("accept4", failed)}
	}
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		l.server.Enter(func() { l.server.connections.accepted-- })
	}
	return conn, err
}
