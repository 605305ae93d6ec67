package bmc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Conn is a UDP socket that hands out packet information (IP_PKTINFO or
// IPV6_RECVPKTINFO) with each datagram. A [Socket] is one.
type Conn interface {
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
	SetReadDeadline(t time.Time) error
	LocalAddr() net.Addr
}

func portOf(c Conn) uint16 {
	if addr, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return addr.AddrPort().Port()
	}
	return 0
}

const (
	maxDatagram = 1024 // no request comes near it
	infoLen     = 64   // room for one packet information message
)

// A datagram is one that came in, and where an answer to it goes.
type datagram struct {
	from address
	n    int
	b    [maxDatagram]byte
}

// An address is where to send an answer, and from which of our addresses: the
// one that was asked, since consoles drop answers from any other.
type address struct {
	conn Conn
	peer netip.AddrPort
	// local is what was asked, without a zone; its address is not valid if the
	// socket does not tell.
	local netip.AddrPort
	info  [infoLen]byte
	used  int // length of info
}

func (a *address) write(b []byte) error {
	_, _, err := a.conn.WriteMsgUDPAddrPort(b, a.info[:a.used], a.peer)
	return err
}

// read fills the datagram. It is false where what came in is too long to be a
// request, or where an answer would go to many, or to nobody.
func (d *datagram) read(c Conn) (bool, error) {
	n, infoN, flags, peer, err := c.ReadMsgUDPAddrPort(d.b[:], d.from.info[:])
	if err != nil {
		return false, err
	}
	d.n = n
	d.from.conn, d.from.peer = c, netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	used, local, one := answerFrom(d.from.info[:infoN])
	d.from.used, d.from.local = used, netip.AddrPortFrom(local, portOf(c))
	return flags&syscall.MSG_TRUNC == 0 && one && toOne(peer.Addr().Unmap()) && peer.Port() != 0, nil
}

// toOne tells whether the address is one of a single host. Which addresses are
// those of broadcasts in a network, it does not know.
func toOne(a netip.Addr) bool {
	return !a.IsMulticast() && !a.IsUnspecified() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// answerFrom turns the packet information of a datagram that came in into that
// of its answer, and returns its length, the address that was asked, and whether
// that is one of ours alone. The route chooses the interface, except for a
// link-local address, which means nothing without one.
//
// A broadcast of IPv4 to a network of ours is not recognized on a socket of IPv6,
// but the kernel sends no answer from such an address.
func answerFrom(info []byte) (used int, asked netip.Addr, one bool) {
	const header = unix.SizeofCmsghdr
	if len(info) < header {
		return 0, netip.Addr{}, true
	}
	data := info[header:]
	level := int32(binary.NativeEndian.Uint32(info[header-8:]))
	kind := int32(binary.NativeEndian.Uint32(info[header-4:]))
	switch {
	case level == unix.IPPROTO_IP && kind == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		// interface, address to answer from, address that was asked
		clear(data[:4])
		return len(info), netip.AddrFrom4([4]byte(data[8:])), bytes.Equal(data[4:8], data[8:12])
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		// address, interface
		addr := netip.AddrFrom16([16]byte(data))
		if !addr.IsLinkLocalUnicast() {
			clear(data[16:20])
		}
		return len(info), addr.Unmap(), toOne(addr.Unmap())
	default:
		return 0, netip.Addr{}, true
	}
}

// reading runs a reader for each socket until stop is called, which returns when
// all have ended. What they read meanwhile is answered.
func (s *Server) reading() (stop func()) {
	ended := make(chan struct{})
	for _, c := range s.Conns {
		_ = c.SetReadDeadline(time.Time{})
		go func() {
			s.reader(c)
			ended <- struct{}{}
		}()
	}
	return func() {
		for _, c := range s.Conns {
			_ = c.SetReadDeadline(time.Unix(1, 0))
		}
		for left := len(s.Conns); left > 0; {
			select {
			case <-ended:
				left--
			case d := <-s.in: // or a reader would wait for its buffer for ever
				s.handOver(d)
			}
		}
	}
}

func (s *Server) reader(c Conn) {
	for {
		d := <-s.free
		whole, err := d.read(c)
		switch {
		case err == nil && whole:
			s.in <- d
			continue
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
			s.free <- d
			return
		case err != nil:
			s.Log.Warn("cannot read", "err", err)
			time.Sleep(readPause)
		}
		s.free <- d
	}
}
