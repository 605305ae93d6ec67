package bmc

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Socket is a UDP socket whose writer never waits. Packets to hosts that do not
// answer fill its send buffer while the kernel looks for them: then an answer is
// lost, not the time of everybody else. Only one goroutine may write.
type Socket struct {
	*net.UDPConn
	raw  syscall.RawConn
	ipv4 bool

	// What is being written. It is here, with the function that does it, because
	// it would be allocated for each datagram.
	b, oob []byte
	to     unix.Sockaddr // one of the two that follow
	inet4  unix.SockaddrInet4
	inet6  unix.SockaddrInet6
	err    error
	send   func(fd uintptr) bool
}

// NewSocket takes over a socket.
func NewSocket(c *net.UDPConn) (*Socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("socket %v: %w", c.LocalAddr(), err)
	}
	local, _ := c.LocalAddr().(*net.UDPAddr)
	s := &Socket{UDPConn: c, raw: raw, ipv4: local.IP.To4() != nil}
	s.send = func(fd uintptr) bool {
		s.err = unix.Sendmsg(int(fd), s.b, s.oob, s.to, unix.MSG_DONTWAIT)
		return true
	}
	return s, nil
}

// WriteMsgUDPAddrPort implements Conn.
func (s *Socket) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	s.b, s.oob = b, oob
	if err := s.address(addr); err != nil {
		return 0, 0, err
	}
	if err := s.raw.Write(s.send); err != nil {
		return 0, 0, err
	}
	return len(b), len(oob), s.err
}

func (s *Socket) address(to netip.AddrPort) error {
	if s.ipv4 {
		s.inet4 = unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
		s.to = &s.inet4
		return nil
	}
	s.inet6 = unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if zone := to.Addr().Zone(); zone != "" {
		i, err := net.InterfaceByName(zone)
		if err != nil {
			return fmt.Errorf("peer %v: %w", to, err)
		}
		s.inet6.ZoneId = uint32(i.Index)
	}
	s.to = &s.inet6
	return nil
}
