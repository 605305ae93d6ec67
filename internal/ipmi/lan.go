package ipmi

import (
	"encoding/binary"
	"net/netip"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A LAN is the interface of the host on which a request came in. What is not
// known is zero.
type LAN struct {
	Prefix  netip.Prefix // address that was asked, and its network
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

// A lanParameter is the data of a parameter. A request may come without an
// address, and over IPv6, of which these parameters know nothing: then they are
// zero.
type lanParameter func(b *BMC, r *Request, lan LAN) []byte

func zeros(n int) lanParameter {
	return func(*BMC, *Request, LAN) []byte { return make([]byte, n) }
}

// lanParameters are those of the LAN configuration (IPMI 2.0 §23.2, table 23-4)
// that are not optional features. All of them are read-only: the host has its
// address from elsewhere.
var lanParameters = map[byte]lanParameter{
	lanSetInProgress: zeros(1),
	1:                zeros(1), // authentication types of IPMI 1.5: none
	2:                zeros(5), // and of each level
	3:                func(_ *BMC, _ *Request, lan LAN) []byte { return ipv4(lan.Prefix.Addr()) },
	4:                func(*BMC, *Request, LAN) []byte { return []byte{sourceUnknown} },
	5:                func(_ *BMC, _ *Request, lan LAN) []byte { return lan.MAC[:] },
	6:                func(_ *BMC, _ *Request, lan LAN) []byte { return netmask(lan.Prefix) },
	7:                func(*BMC, *Request, LAN) []byte { return []byte(defaultIPHeader) },
	8:                func(_ *BMC, r *Request, _ LAN) []byte { return port(r.Local.Port()) },
	9:                func(*BMC, *Request, LAN) []byte { return port(secondaryRMCP) },
	10:               func(*BMC, *Request, LAN) []byte { return []byte{arpResponses} }, // by the host
	11:               zeros(1),
	12:               func(_ *BMC, _ *Request, lan LAN) []byte { return ipv4(lan.Gateway) },
	13:               zeros(6), // its MAC address
	14:               zeros(4), // backup gateway
	15:               zeros(6),
	16:               zeros(communityLen),
	17:               zeros(1), // alert destinations: none
	20:               zeros(2), // VLAN: the host's affair
	21:               zeros(1),
	22:               func(b *BMC, _ *Request, _ LAN) []byte { return []byte{byte(len(b.Suites))} },
	23:               func(b *BMC, _ *Request, _ LAN) []byte { return suiteEntries(b.Suites) },
	24:               func(b *BMC, _ *Request, _ LAN) []byte { return suitePrivileges(b.Suites) },
	26:               zeros(6), // bad password threshold: none
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

// suitePrivileges is a reserved byte and half a byte for each suite. Consoles
// find it by the number of the suite, so that there is none for suite 17.
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
	parameter, ok := lanParameters[r.Data[1]]
	if !ok {
		return reply(UnsupportedParameter)
	}
	return done(append([]byte{parameterRevision}, parameter(b, r, b.LAN(r.Local.Addr()))...)...)
}

// setLANConfiguration lets a console say that it will write, but not write.
func setLANConfiguration(_ *BMC, r *Request) Answer {
	if !validChannel(r.Data[0]) {
		return reply(InvalidField)
	}
	_, ok := lanParameters[r.Data[1]]
	return refuseWrite(r.Data[1:], ok)
}

// refuseWrite is the answer to a write of a read-only parameter: number and
// data. The one that says that a write is in progress (0) may be set.
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
