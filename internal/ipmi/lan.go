package ipmi

import (
	"encoding/binary"
	"net/netip"

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
	arpResponses     = 0x02
	lanSetInProgress = 0
)

// A lanParameter is the data of a parameter that needs nothing from the host.
type lanParameter func(b *BMC, r *Request) []byte

func zeros(n int) lanParameter {
	return func(*BMC, *Request) []byte { return make([]byte, n) }
}

// lanParameters and hostParameters are the parameters of the LAN configuration (IPMI
// 2.0 §23.2, table 23-4) that are not optional. All of them are read-only: the
// administrator of the host sets its addresses.
var lanParameters = map[byte]lanParameter{
	lanSetInProgress: zeros(1),
	1:                zeros(1), // authentication types of IPMI 1.5: none
	2:                zeros(5), // and of each level
	4:                func(*BMC, *Request) []byte { return []byte{sourceUnknown} },
	7:                func(*BMC, *Request) []byte { return []byte(defaultIPHeader) },
	8:                func(_ *BMC, r *Request) []byte { return port(r.Local.Port()) },
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
}

// hostParameters describe the interface on which the request came in. They are zero if
// the address of the request is not known, and over IPv6, for which they have no room.
var hostParameters = map[byte]func(LAN) []byte{
	3:  func(lan LAN) []byte { return ipv4(lan.Prefix.Addr()) },
	5:  func(lan LAN) []byte { return lan.MAC[:] },
	6:  func(lan LAN) []byte { return netmask(lan.Prefix) },
	12: func(lan LAN) []byte { return ipv4(lan.Gateway) },
}

func isLANParameter(number byte) bool {
	return lanParameters[number] != nil || hostParameters[number] != nil
}

func ipv4(addr netip.Addr) []byte {
	if !addr.Is4() {
		return make([]byte, 4)
	}
	b := addr.As4()
	return b[:]
}

func netmask(p netip.Prefix) []byte {
	if !p.Addr().Is4() {
		return make([]byte, 4)
	}
	return binary.BigEndian.AppendUint32(nil, ^uint32(0)<<(32-p.Bits()))
}

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
	if !validChannel(r.Data[0] &^ revisionOnly) {
		return reply(InvalidField)
	}
	if r.Data[0]&revisionOnly != 0 {
		return done(parameterRevision)
	}
	if parameter, ok := lanParameters[r.Data[1]]; ok {
		return done(append([]byte{parameterRevision}, parameter(b, r)...)...)
	}
	parameter, ok := hostParameters[r.Data[1]]
	if !ok {
		return reply(UnsupportedParameter)
	}
	find, addr := b.LAN, r.Local.Addr()
	return Answer{Later: func() func() Answer {
		data := parameter(find(addr))
		return func() Answer { return done(append([]byte{parameterRevision}, data...)...) }
	}}
}

// setLANConfiguration lets a client announce that it will write, but not write.
func setLANConfiguration(_ *BMC, r *Request) Answer {
	if !validChannel(r.Data[0]) {
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
