package units

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// A BMC is one BMC as its files describe it.
type BMC struct {
	instance.Instance
	Listen  []netip.AddrPort // in the order of the files; IPv4 addresses are unmapped
	Comment string
	RunAs   Account
	Allow   []string // networks to accept packets from, as in IPAddressAllow=; nil: all

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
	before, after, _ := strings.Cut(SocketUnit("/"), "/")
	name, isOurs := strings.CutPrefix(unit, before)
	name, isSocket := strings.CutSuffix(name, after)
	if !isOurs || !isSocket {
		return ""
	}
	return name
}

// ServiceUnit returns the name of the unit that runs the process of a BMC.
func ServiceUnit(name string) string { return "shipmi-bmc@" + name + ".service" }

// restoreUnit returns the name of the unit that applies the power restore policy of a BMC.
// It is enabled together with the socket.
func restoreUnit(name string) string { return "shipmi-bmc-restore@" + name + ".service" }

// Units returns the names of all units of a BMC.
func Units(name string) []string {
	return []string{SocketUnit(name), ServiceUnit(name), restoreUnit(name)}
}

// checkListen returns an error if an address of b overlaps another address of b or of the
// other BMCs.
func (b BMC) checkListen(others []BMC) error {
	if len(b.Listen) == 0 {
		return errors.New("no address to listen on")
	}
	for i, addr := range b.Listen {
		for _, earlier := range b.Listen[:i] {
			if Overlap(addr, earlier) {
				return fmt.Errorf("%w: %v lies within %v of the same BMC", ErrTaken, addr, earlier)
			}
		}
		for _, other := range others {
			for _, taken := range other.Listen {
				if Overlap(addr, taken) {
					return fmt.Errorf("%w: %q listens on %v", ErrTaken, other.Name, taken)
				}
			}
		}
	}
	return nil
}

// Overlap reports whether a and b would receive the same packets. The IPv6 wildcard
// receives IPv4 packets, too, because the socket units are dual-stack.
func Overlap(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() &&
		(a.Addr() == b.Addr() || includes(a.Addr(), b.Addr()) || includes(b.Addr(), a.Addr()))
}

func includes(wildcard, addr netip.Addr) bool {
	return wildcard == netip.IPv6Unspecified() || wildcard == netip.IPv4Unspecified() && addr.Is4()
}
