package bmc

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

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
	socket *Socket
	peer   netip.AddrPort
	// local is what was asked, without a zone; its address is not valid if the
	// socket does not tell.
	local netip.AddrPort
	info  [infoLen]byte
	used  int // length of info
}

// answerable tells whether an answer would go to one host.
func answerable(peer netip.AddrPort) bool { return toOne(peer.Addr()) && peer.Port() != 0 }

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
