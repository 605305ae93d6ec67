package lan

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Socket is a UDP socket that systemd has bound, with packet information (IP_PKTINFO or
// IPV6_RECVPKTINFO) for each datagram. It is not registered with Go's network poller, see
// [Sockets].
//
// Reading and writing never wait. Packets to hosts that do not answer ARP fill the send
// buffer; then an answer is lost, and other clients are not delayed.
type Socket struct {
	fd    int
	local netip.AddrPort

	// These fields save an allocation for each datagram.
	header unix.Msghdr // of the received datagram
	iovec  unix.Iovec
	from   [unix.SizeofSockaddrAny]byte
	inet4  unix.SockaddrInet4 // destination of an answer: this or inet6
	inet6  unix.SockaddrInet6
}

// NewSocket takes ownership of a descriptor.
func NewSocket(fd int) (*Socket, error) {
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil {
		return nil, err
	}
	if protocol != unix.IPPROTO_UDP {
		return nil, errors.New("it is not one of UDP")
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	s := &Socket{fd: fd}
	switch a := bound.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.local = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return s, nil
}

// receive reads a datagram. It returns false if the datagram is too long to be a request, or
// if an answer could not go to exactly one host. The error is EAGAIN if there is no datagram.
func (s *Socket) receive(d *datagram) (bool, error) {
	s.iovec.Base = &d.b[0]
	s.iovec.SetLen(len(d.b))
	s.header = unix.Msghdr{Name: &s.from[0], Namelen: uint32(len(s.from)), Iov: &s.iovec, Control: &d.from.info[0]}
	s.header.SetIovlen(1)
	s.header.SetControllen(len(d.from.info))
	n, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.header)), unix.MSG_DONTWAIT)
	if errno != 0 {
		return false, errno
	}
	d.n = int(n)
	d.from.socket, d.from.peer = s, s.peer()
	used, local, one := answerFrom(d.from.info[:s.header.Controllen])
	d.from.used, d.from.local = used, netip.AddrPortFrom(local, s.local.Port())
	return s.header.Flags&unix.MSG_TRUNC == 0 && one && answerable(d.from.peer), nil
}

// peer reads the source of a datagram: a sockaddr_in, see ip(7), or a sockaddr_in6, see
// ipv6(7).
func (s *Socket) peer() netip.AddrPort {
	port := binary.BigEndian.Uint16(s.from[2:])
	if s.local.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s.from[4:])), port)
	}
	addr := netip.AddrFrom16([16]byte(s.from[8:])).Unmap()
	if scope := binary.NativeEndian.Uint32(s.from[24:]); scope != 0 {
		addr = addr.WithZone(strconv.FormatUint(uint64(scope), 10))
	}
	return netip.AddrPortFrom(addr, port)
}

// send writes an answer.
func (s *Socket) send(to *address, b []byte) error {
	return unix.Sendmsg(s.fd, b, to.info[:to.used], s.address(to.peer), unix.MSG_DONTWAIT)
}

func (s *Socket) address(to netip.AddrPort) unix.Sockaddr {
	if s.local.Addr().Is4() {
		s.inet4 = unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
		return &s.inet4
	}
	s.inet6 = unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if zone := to.Addr().Zone(); zone != "" {
		scope, _ := strconv.ParseUint(zone, 10, 32)
		s.inet6.ZoneId = uint32(scope)
	}
	return &s.inet6
}

// reaches reports whether the socket can send to an address.
func (s *Socket) reaches(to netip.Addr) bool { return !s.local.Addr().Is4() || to.Is4() }

// infoFrom is the packet information that has a datagram leave from an address.
func (s *Socket) infoFrom(local, to netip.Addr) []byte {
	if s.local.Addr().Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.As4()})
	}
	info := unix.Inet6Pktinfo{Addr: local.As16()}
	if local.IsLinkLocalUnicast() {
		scope, _ := strconv.ParseUint(to.Zone(), 10, 32)
		info.Ifindex = uint32(scope)
	}
	return unix.PktInfo6(&info)
}
