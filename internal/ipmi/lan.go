package ipmi

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A LAN is the interface of the host on which a request came in. Fields that are not
// known are zero.
type LAN struct {
	Prefix  netip.Prefix // address to which the request was sent, and its network
	MAC     [6]byte
	Gateway netip.Addr
}

// Parameters in this file have this revision: present 1, oldest 1.
const parameterRevision = 0x11

const (
	revisionOnly     = 0x80
	sourceUnknown    = 0x00
	defaultIPHeader  = "\x40\x40\x10" // time to live, flags, type of service
	secondaryRMCP    = 664
	maxSuiteEntries  = 16
	communityLen     = 18
	hopLimit         = 64 // of IPv6, as the host sends
	arpResponses     = 0x02
	lanSetInProgress = 0
)

// A lanParameter is the data of a parameter that needs nothing from the host.
type lanParameter func(b *BMC, r *Request) []byte

func zeros(n int) lanParameter {
	return func(*BMC, *Request) []byte { return make([]byte, n) }
}

// lanParameters and hostParameters are the parameters of the LAN configuration (IPMI
// 2.0 §23.2, table 23-4) that are not optional, and those of IPv6 that clients read. All of
// them are read-only: the administrator of the host sets its addresses.
var lanParameters = map[byte]lanParameter{
	lanSetInProgress: zeros(1),
	1:                zeros(1), // authentication types of IPMI 1.5: none
	2:                zeros(5), // and of each level
	4:                func(*BMC, *Request) []byte { return []byte{sourceUnknown} },
	7:                func(*BMC, *Request) []byte { return []byte(defaultIPHeader) },
	8:                func(b *BMC, r *Request) []byte { return port(b.port(r)) },
	9:                func(*BMC, *Request) []byte { return port(secondaryRMCP) },
	10:               func(*BMC, *Request) []byte { return []byte{arpResponses} }, // by the host
	11:               zeros(1),
	13:               zeros(6), // MAC address of the gateway
	14:               zeros(4), // backup gateway
	15:               zeros(6),
	16:               zeros(communityLen),
	17:               zeros(1), // alert destinations: none
	20:               zeros(2), // VLAN: the host has it, not the BMC
	21:               zeros(1),
	22:               func(b *BMC, _ *Request) []byte { return []byte{byte(len(b.Suites))} },
	23:               func(b *BMC, _ *Request) []byte { return suiteEntries(b.Suites) },
	24:               func(b *BMC, _ *Request) []byte { return suitePrivileges(b.Suites) },
	26:               zeros(6), // bad password threshold: none
	50:               func(*BMC, *Request) []byte { return []byte{ipv6Only | ipv6AndIPv4} },
	51:               func(b *BMC, r *Request) []byte { return []byte{b.families(r)} },
	52:               zeros(1), // traffic class
	53:               func(*BMC, *Request) []byte { return []byte{hopLimit} },
	54:               zeros(3), // flow label
	55:               func(*BMC, *Request) []byte { return []byte{staticAddresses, dynamicAddresses, 0} },
	57:               zeros(1), // DHCP unique identifiers: none
	66:               zeros(6), // MAC address of the router
	67:               zeros(1), // the network behind it
	68:               zeros(16),
	69:               zeros(16), // second router: none
	70:               zeros(6),
	71:               zeros(1),
	72:               zeros(16),
}

// The values of the parameters of IPv6.
const (
	ipv6Only    = 0x01 // of 50: the BMC can have addresses of IPv6 alone,
	ipv6AndIPv4 = 0x02 // and those of both

	enablesIPv4 = 0x00 // of 51
	enablesIPv6 = 0x01
	enablesBoth = 0x02

	staticAddresses  = 1 // of 55: the host has more, but clients use one
	dynamicAddresses = 0 // the BMC does not know how the host got its address

	addressEnabled  = 0x80 // of 56
	addressDisabled = 0x01 // its status

	routerStatic = 0x01 // of 64
)

// lanSets are the parameters that have sets, with the number of sets.
var lanSets = map[byte]byte{56: staticAddresses, 59: dynamicAddresses}

// A hostParameter is the data of a parameter that describes the interface of the host with
// the address of the BMC: the address of IPv4, of IPv6, or any.
type hostParameter struct {
	of    func(netip.Addr) bool
	value func(*BMC, LAN) []byte
}

// hostParameters are zero if the BMC has no such address, or if it is not known.
var hostParameters = map[byte]hostParameter{
	3:  {netip.Addr.Is4, func(b *BMC, lan LAN) []byte { return ipv4(b.told(lan)) }},
	5:  {netip.Addr.IsValid, func(_ *BMC, lan LAN) []byte { return lan.MAC[:] }},
	6:  {netip.Addr.Is4, func(_ *BMC, lan LAN) []byte { return netmask(lan.Prefix) }},
	12: {netip.Addr.Is4, func(_ *BMC, lan LAN) []byte { return ipv4(lan.Gateway) }},
	56: {netip.Addr.Is6, func(b *BMC, lan LAN) []byte { return staticIPv6(b.told(lan), lan.Prefix) }},
	64: {netip.Addr.Is6, func(_ *BMC, lan LAN) []byte {
		if !lan.Gateway.Is6() {
			return []byte{0}
		}
		return []byte{routerStatic}
	}},
	65: {netip.Addr.Is6, func(_ *BMC, lan LAN) []byte { return ipv6(lan.Gateway) }},
}

func isLANParameter(number byte) bool {
	_, ofHost := hostParameters[number]
	_, hasSets := lanSets[number]
	return lanParameters[number] != nil || ofHost || hasSets
}

// address returns the address of a family at which clients reach the BMC: the one to which
// the request was sent, or the first that the BMC listens on; not valid if it is not known.
func (b *BMC) address(r *Request, of func(netip.Addr) bool) netip.Addr {
	for _, addr := range append([]netip.Addr{r.Local.Addr()}, b.Listens...) {
		if addr.IsValid() && of(addr) && !addr.IsUnspecified() {
			return addr
		}
	}
	return netip.Addr{}
}

// told returns the address that clients are told.
func (b *BMC) told(lan LAN) netip.Addr { return cmp.Or(b.Advertise.Addr(), lan.Prefix.Addr()) }

// families says whether clients reach the BMC over IPv4, IPv6 or both. A socket on every
// address of IPv6 also has those of IPv4.
func (b *BMC) families(r *Request) byte {
	all := append([]netip.Addr{r.Local.Addr()}, b.Listens...)
	if b.Advertise.Addr().IsValid() {
		all = []netip.Addr{b.Advertise.Addr()}
	}
	switch over6 := slices.ContainsFunc(all, netip.Addr.Is6); {
	case !over6:
		return enablesIPv4
	case slices.ContainsFunc(all, netip.Addr.Is4) || slices.Contains(all, netip.IPv6Unspecified()):
		return enablesBoth
	}
	return enablesIPv6
}

func ipv4(addr netip.Addr) []byte {
	if !addr.Is4() {
		return make([]byte, 4)
	}
	b := addr.As4()
	return b[:]
}

func ipv6(addr netip.Addr) []byte {
	if !addr.Is6() {
		return make([]byte, 16)
	}
	b := addr.As16()
	return b[:]
}

// staticIPv6 is the only static address: its number 0, whether it is enabled, address, length
// of the prefix, and status.
func staticIPv6(addr netip.Addr, p netip.Prefix) []byte {
	if !addr.Is6() {
		return append(make([]byte, 19), addressDisabled)
	}
	length := byte(0)
	if p.Addr().Is6() {
		length = byte(p.Bits())
	}
	return append(append([]byte{0, addressEnabled}, ipv6(addr)...), length, 0)
}

func netmask(p netip.Prefix) []byte {
	if !p.Addr().Is4() {
		return make([]byte, 4)
	}
	return binary.BigEndian.AppendUint32(nil, ^uint32(0)<<(32-p.Bits()))
}

// port returns the UDP port at which the client of a request reaches the BMC.
func (b *BMC) port(r *Request) uint16 { return cmp.Or(b.Advertise.Port(), r.Local.Port()) }

func port(p uint16) []byte { return binary.LittleEndian.AppendUint16(nil, p) }

// suiteEntries is a reserved byte and the suites' numbers.
func suiteEntries(suites []rmcp.Suite) []byte {
	b := make([]byte, 1+maxSuiteEntries)
	for i, s := range suites {
		b[1+i] = s.ID
	}
	return b
}

// suitePrivileges is a reserved byte and half a byte for each suite. Clients find it by
// the number of the suite, so suite 17 has none.
func suitePrivileges(suites []rmcp.Suite) []byte {
	b := make([]byte, 1+maxSuiteEntries/2)
	for _, s := range suites {
		if s.ID < maxSuiteEntries {
			b[1+s.ID/2] |= byte(rmcp.Administrator) << (4 * (s.ID % 2))
		}
	}
	return b
}

func getLANConfiguration(b *BMC, r *Request) Answer {
	if !r.isLAN(r.Data[0] &^ revisionOnly) {
		return reply(InvalidField)
	}
	if r.Data[0]&revisionOnly != 0 {
		return done(parameterRevision)
	}
	number, set := r.Data[1], r.Data[2]
	if parameter, ok := lanParameters[number]; ok {
		return done(append([]byte{parameterRevision}, parameter(b, r)...)...)
	}
	if sets, ok := lanSets[number]; ok && set >= sets {
		return reply(OutOfRange)
	}
	parameter, ok := hostParameters[number]
	if !ok {
		return reply(UnsupportedParameter)
	}
	find, addr := b.LAN, b.address(r, parameter.of)
	return Answer{Later: func() func() Answer {
		var found LAN
		if addr.IsValid() {
			found = find(addr)
		}
		data := parameter.value(b, found)
		return func() Answer { return done(append([]byte{parameterRevision}, data...)...) }
	}}
}

// setLANConfiguration lets a client announce that it will write, but not write.
func setLANConfiguration(_ *BMC, r *Request) Answer {
	if !r.isLAN(r.Data[0]) {
		return reply(InvalidField)
	}
	return refuseWrite(r.Data[1:], isLANParameter(r.Data[1]))
}

// refuseWrite is the answer to a write, number and data, of a parameter that is
// read-only. Only parameter 0, which says that a write is in progress, may be set.
func refuseWrite(write []byte, known bool) Answer {
	switch {
	case !known:
		return reply(UnsupportedParameter)
	case write[0] != lanSetInProgress:
		return reply(ReadOnly)
	case len(write) != 2:
		return reply(InvalidLength)
	case write[1] > progressCommit:
		return reply(InvalidField)
	}
	return done()
}
