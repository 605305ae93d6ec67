package lan

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	maxDatagram = 1024 // bytes; every request is much shorter
	infoLen     = 64   // room for one packet information message
)

// A datagram is a received datagram, and where its answer goes.
type datagram struct {
	from address
	n    int
	b    [maxDatagram]byte
}

// An address says where to send an answer, and from which of our addresses: from the address
// to which the request was sent, since clients drop answers from another one.
type address struct {
	socket *Socket
	peer   netip.AddrPort
	// local is the address to which the request was sent, without a zone. It is not valid if
	// the socket does not report it.
	local netip.AddrPort
	info  [infoLen]byte
	used  int // length of info
}

// answerable reports whether an answer would go to one host.
func answerable(peer netip.AddrPort) bool { return toOne(peer.Addr()) && peer.Port() != 0 }

// toOne reports whether the address can be that of a single host. It does not recognize the
// broadcast address of a network.
func toOne(a netip.Addr) bool {
	return !a.IsMulticast() && !a.IsUnspecified() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// answerFrom turns the packet information of a received datagram into that of its answer. It
// returns the length of the information, the address to which the datagram was sent, and
// whether that address belongs to this host alone. The route selects the interface, except
// for a link-local address, which needs its interface.
//
// An IPv6 socket does not show that a datagram was an IPv4 broadcast, but the kernel sends no
// answer from a broadcast address.
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
