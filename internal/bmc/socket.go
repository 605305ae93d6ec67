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
// lost, not the time of everybody else.
type Socket struct {
	*net.UDPConn
	raw  syscall.RawConn
	ipv4 bool
}

// NewSocket takes over a socket.
func NewSocket(c *net.UDPConn) (*Socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("socket %v: %w", c.LocalAddr(), err)
	}
	local, _ := c.LocalAddr().(*net.UDPAddr)
	return &Socket{c, raw, local.IP.To4() != nil}, nil
}

// WriteMsgUDPAddrPort implements Conn.
func (s *Socket) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	to, err := s.sockaddr(addr)
	if err != nil {
		return 0, 0, err
	}
	closed := s.raw.Write(func(fd uintptr) bool {
		err = unix.Sendmsg(int(fd), b, oob, to, unix.MSG_DONTWAIT)
		return true
	})
	if closed != nil {
		return 0, 0, closed
	}
	return len(b), len(oob), err
}

func (s *Socket) sockaddr(addr netip.AddrPort) (unix.Sockaddr, error) {
	if s.ipv4 {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().Unmap().As4()}, nil
	}
	to := &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
	if zone := addr.Addr().Zone(); zone != "" {
		i, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, fmt.Errorf("peer %v: %w", addr, err)
		}
		to.ZoneId = uint32(i.Index)
	}
	return to, nil
}
