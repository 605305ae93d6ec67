package units

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// A BMC is one BMC as its files describe it.
type BMC struct {
	instance.Instance
	Listen      []netip.AddrPort // UDP, for IPMI; in the order of the files; IPv4 addresses are unmapped; nil: no IPMI
	Redfish     []netip.AddrPort // TCP, for Redfish, likewise
	Gateway     bool             // the gateway of the host serves its Redfish
	Certificate Certificate      // for Redfish; the zero value is the certificate of the host
	Comment     string
	RunAs       Account
	Allow       []string // networks to accept packets from, as in IPAddressAllow=; nil: all

	// Err is not nil if a file is invalid. Then only the name is known.
	Err error
}

// Errors of Store that callers distinguish.
var (
	ErrExist    = errors.New("exists already")
	ErrNotExist = errors.New("no such BMC")
	ErrTaken    = errors.New("address and port are taken")

	ErrNoSandbox        = errors.New("the sandbox is missing")
	ErrOtherCredentials = errors.New("the BMC has the credentials of another file")
)

// SocketUnit returns the name of the unit that listens for a BMC.
func SocketUnit(name string) string { return "shipmi-bmc@" + name + ".socket" }

// socketName returns the name of the BMC whose socket a unit is, or "" if it is another unit.
func socketName(unit string) string {
	return nameIn(unit, SocketUnit)
}

// nameIn returns the name for which unitOf returns unit, or "" if there is none.
func nameIn(unit string, unitOf func(string) string) string {
	before, after, _ := strings.Cut(unitOf("/"), "/")
	name, begins := strings.CutPrefix(unit, before)
	name, ends := strings.CutSuffix(name, after)
	if !begins || !ends {
		return ""
	}
	return name
}

// ServiceUnit returns the name of the unit that runs the process of a BMC.
func ServiceUnit(name string) string { return "shipmi-bmc@" + name + ".service" }

// ServiceName returns the name of the BMC whose service a unit is, or "" if it is another unit.
func ServiceName(unit string) string { return nameIn(unit, ServiceUnit) }

// InbandUnit returns the name of the unit that listens for the guest of a BMC. It runs
// together with the socket.
func InbandUnit(name string) string { return "shipmi-inband@" + name + ".socket" }

// Units returns the names of all units of a BMC.
func Units(name string) []string {
	return []string{SocketUnit(name), ServiceUnit(name), InbandUnit(name)}
}

// addresses are those on which BMCs listen, with the names of the BMCs.
type addresses map[socketAddress][]listener

// A socketAddress is the part of an endpoint that two must have in common to overlap.
type socketAddress struct {
	network string
	port    uint16
}

type listener struct {
	Endpoint
	name string
}

// addressesOf returns the addresses of BMCs.
func addressesOf(bmcs []BMC) addresses {
	a := make(addresses)
	for _, b := range bmcs {
		for _, e := range b.Endpoints() {
			at := socketAddress{e.Network, e.Port()}
			a[at] = append(a[at], listener{e, b.Name})
		}
	}
	return a
}

// claim adds the addresses of a BMC. It returns an error if one of them overlaps another one.
func (a addresses) claim(b BMC) error {
	own := b.Endpoints()
	if own == nil && !b.Gateway {
		return errors.New("no address to listen on")
	}
	for _, e := range own {
		at := socketAddress{e.Network, e.Port()}
		for _, taken := range a[at] {
			switch {
			case !Overlap(e, taken.Endpoint):
			case taken.name == b.Name:
				return fmt.Errorf("%w: %v lies within %v of the same BMC", ErrTaken, e, taken)
			default:
				return fmt.Errorf("%w: %q listens on %v", ErrTaken, taken.name, taken)
			}
		}
		a[at] = append(a[at], listener{e, b.Name})
	}
	return nil
}

// An Endpoint is an address that a BMC listens on.
type Endpoint struct {
	Network string // UDP or TCP
	netip.AddrPort
}

// The networks of endpoints, as in package net.
const (
	UDP = "udp"
	TCP = "tcp"
)

// String returns the address, and names the network if it is not that of IPMI.
func (e Endpoint) String() string {
	if e.Network == TCP {
		return fmt.Sprintf("%v (TCP)", e.AddrPort)
	}
	return e.AddrPort.String()
}

// Endpoints returns all addresses that b listens on.
func (b BMC) Endpoints() (all []Endpoint) {
	for _, addr := range b.Listen {
		all = append(all, Endpoint{UDP, addr})
	}
	for _, addr := range b.Redfish {
		all = append(all, Endpoint{TCP, addr})
	}
	return all
}

// HasRedfish reports whether clients reach the BMC by Redfish.
func (b BMC) HasRedfish() bool { return b.Redfish != nil || b.Gateway }

// Addresses returns the IP addresses that b listens on, each once, in the order of Endpoints.
func (b BMC) Addresses() (all []netip.Addr) {
	for _, e := range b.Endpoints() {
		if !slices.Contains(all, e.Addr()) {
			all = append(all, e.Addr())
		}
	}
	return all
}

// Overlap reports whether a and b would receive the same packets. The IPv6 wildcard
// receives IPv4 packets, too, because the socket units are dual-stack.
func Overlap(a, b Endpoint) bool {
	return a.Network == b.Network && a.Port() == b.Port() &&
		(a.Addr() == b.Addr() || includes(a.Addr(), b.Addr()) || includes(b.Addr(), a.Addr()))
}

func includes(wildcard, addr netip.Addr) bool {
	return wildcard == netip.IPv6Unspecified() || wildcard == netip.IPv4Unspecified() && addr.Is4()
}
