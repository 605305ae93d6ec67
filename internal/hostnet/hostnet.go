// Package hostnet describes the network interface of this host that has a given address: the length of the network's
// prefix, the MAC address and the default gateway. It asks the kernel for the addresses of all interfaces once, and
// then for the one interface that matches, so that a host with a thousand interfaces costs about a millisecond. The net
// package asks for the addresses of each interface in turn, which takes a second there.
//
// The package does not know IPMI, and keeps no data between calls. Start reading at Find.
package hostnet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// An Interface is what is known of the interface that has an address. A field is zero when it could not be found out.
type Interface struct {
	Prefix  netip.Prefix // the address itself, with the prefix length of its network
	MAC     [6]byte
	Gateway netip.Addr // of the interface's default route, in the family of the address
}

// Find describes the interface that has the address. A loopback interface has every address of its network: 127.0.0.2 is
// found in 127.0.0.1/8. A zone, the name or the number of an interface, leaves only that interface.
//
// Find reads from the kernel, which can take a while when other programs change the network: do not call it with a lock
// held.
func Find(addr netip.Addr) Interface {
	zone := addr.Zone()
	addr = addr.WithZone("").Unmap()
	addresses, err := addressTable()
	if err != nil {
		return Interface{}
	}
	for _, a := range addresses {
		own := a.prefix.Addr()
		if own != addr && !(own.IsLoopback() && a.prefix.Contains(addr)) {
			continue
		}
		name, mac, err := link(a.link)
		if err != nil || zone != "" && zone != name && zone != strconv.Itoa(a.link) {
			continue
		}
		return Interface{
			Prefix:  netip.PrefixFrom(addr, a.prefix.Bits()),
			MAC:     mac,
			Gateway: gateway(addr, name),
		}
	}
	return Interface{}
}

// An address belongs to an interface, which the kernel calls a link.
type address struct {
	link   int
	prefix netip.Prefix
}

// addressTable returns the addresses of all interfaces, see rtnetlink(7).
func addressTable() ([]address, error) {
	table, err := syscall.NetlinkRIB(unix.RTM_GETADDR, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	var all []address
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
			continue
		}
		if ip, ok := localAddress(&m); ok {
			// struct ifaddrmsg: family, prefix length, flags, scope, index
			index := int(binary.NativeEndian.Uint32(m.Data[4:]))
			all = append(all, address{index, netip.PrefixFrom(ip, int(m.Data[1]))})
		}
	}
	return all, nil
}

// localAddress returns the address of this host in a message about one. On a point-to-point link IFA_ADDRESS is that of
// the other side, and IFA_LOCAL is ours.
func localAddress(m *syscall.NetlinkMessage) (netip.Addr, bool) {
	attributes, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return netip.Addr{}, false
	}
	var found []byte
	for _, a := range attributes {
		if a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS && found == nil {
			found = a.Value
		}
	}
	return netip.AddrFromSlice(found)
}

// linkReplyLen is more than the kernel says of a link that was asked for without its virtual functions.
const linkReplyLen = 16 << 10

// link returns the name and the MAC address of one interface. net.InterfaceByIndex asks for all of them.
func link(index int) (name string, mac [6]byte, err error) {
	reply, err := requestLink(index)
	if err != nil {
		return "", mac, fmt.Errorf("interface %d: %w", index, err)
	}
	messages, err := syscall.ParseNetlinkMessage(reply)
	if err != nil {
		return "", mac, fmt.Errorf("interface %d: %w", index, err)
	}
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWLINK {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return "", mac, fmt.Errorf("interface %d: %w", index, err)
		}
		for _, a := range attributes {
			switch a.Attr.Type {
			case unix.IFLA_IFNAME:
				name = strings.TrimRight(string(a.Value), "\x00")
			case unix.IFLA_ADDRESS:
				copy(mac[:], a.Value)
			}
		}
		return name, mac, nil
	}
	return "", mac, fmt.Errorf("interface %d: no such interface", index)
}

// requestLink asks the kernel for one interface and returns its reply.
func requestLink(index int) ([]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	defer unix.Close(fd)
	request, err := binary.Append(nil, binary.NativeEndian, struct {
		Header unix.NlMsghdr
		Link   unix.IfInfomsg
	}{
		unix.NlMsghdr{
			Len:   unix.SizeofNlMsghdr + unix.SizeofIfInfomsg,
			Type:  unix.RTM_GETLINK,
			Flags: unix.NLM_F_REQUEST,
		},
		unix.IfInfomsg{Index: int32(index)},
	})
	if err != nil {
		return nil, fmt.Errorf("netlink request: %w", err)
	}
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("netlink request: %w", err)
	}
	reply := make([]byte, linkReplyLen)
	n, _, err := unix.Recvfrom(fd, reply, unix.MSG_DONTWAIT) // the kernel has replied before Sendto returned
	if err != nil {
		return nil, fmt.Errorf("netlink reply: %w", err)
	}
	return reply[:n], nil
}
