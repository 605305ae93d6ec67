package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"

	"github.com/shipmi/shipmi/internal/units"
)

// examinePorts finds sockets of other programs on the addresses of BMCs. systemd binds with
// SO_REUSEADDR: several sockets can have the same address, and one of them gets the packets.
func (d *Doctor) examinePorts(context.Context) error {
	others, err := UDPSockets(d.ProcDir)
	if err != nil {
		return err
	}
	for _, b := range d.bmcs {
		if d.conditions[units.SocketUnit(b.Name)].Active {
			for _, own := range b.Listen {
				if i := slices.Index(others, own); i >= 0 {
					others = slices.Delete(others, i, i+1)
				}
			}
		}
	}
	for i, b := range d.bmcs {
		for _, addr := range b.Listen {
			overlaps := func(other netip.AddrPort) bool { return units.Overlap(addr, other) }
			for _, earlier := range d.bmcs[:i] {
				if slices.ContainsFunc(earlier.Listen, overlaps) {
					d.problem(b.Name, fmt.Sprintf("%q listens on %v, too", earlier.Name, addr), "shipmi set %s --port PORT", b.Name)
				}
			}
			if slices.ContainsFunc(others, overlaps) {
				d.silent[b.Name] = true
				d.problem(b.Name, fmt.Sprintf("another program uses %v, too", addr), "see ss -lunp 'sport = :%d'", addr.Port())
			}
		}
	}
	return nil
}

// UDPSockets returns the addresses of the UDP sockets of this host that are not connected
// to a peer: those that receive packets of every sender. procDir is where proc(5) is mounted.
func UDPSockets(procDir string) ([]netip.AddrPort, error) {
	proc, err := procfs.NewFS(procDir)
	if err != nil {
		return nil, err
	}
	v4, err4 := proc.NetUDP()
	v6, err6 := proc.NetUDP6()
	if errors.Is(err6, fs.ErrNotExist) {
		err6 = nil // a kernel without IPv6
	}
	var all []netip.AddrPort
	for _, socket := range slices.Concat(v4, v6) {
		addr, ok := netip.AddrFromSlice(socket.LocalAddr)
		if ok && socket.RemPort == 0 {
			all = append(all, netip.AddrPortFrom(addr.Unmap(), uint16(socket.LocalPort)))
		}
	}
	return all, errors.Join(err4, err6)
}

func (d *Doctor) examineAddresses(context.Context) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, b := range d.bmcs {
		for _, addr := range b.Listen {
			if ip := addr.Addr().WithZone(""); !hasAddress(own, ip) {
				d.problem(b.Name, fmt.Sprintf("this host does not have the address %v", ip),
					"ip address add %v dev INTERFACE, or shipmi set %s --address ADDRESS", ip, b.Name)
			}
		}
	}
	return nil
}

// hasAddress reports whether packets to an address reach this host.
func hasAddress(own []net.Addr, addr netip.Addr) bool {
	return addr.IsUnspecified() || addr.IsLoopback() || slices.ContainsFunc(own, func(a net.Addr) bool {
		network, err := netip.ParsePrefix(a.String())
		return err == nil && network.Addr() == addr.WithZone("")
	})
}

func onlyLoopback(b units.BMC) bool {
	return !slices.ContainsFunc(b.Listen, func(addr netip.AddrPort) bool { return !addr.Addr().IsLoopback() })
}

// firewalls are the commands that print rules, and what matches if the default policy is to
// drop packets.
var firewalls = []struct {
	command []string
	closed  *regexp.Regexp
}{
	{[]string{"nft", "-n", "list", "ruleset"}, regexp.MustCompile(`hook input .*policy drop`)},
	{[]string{"iptables-legacy-save"}, regexp.MustCompile(`(?m)^:INPUT DROP`)},
	{[]string{"ip6tables-legacy-save"}, regexp.MustCompile(`(?m)^:INPUT DROP`)},
}

// examineFirewall finds ports that no rule of a closed firewall names. A rule may accept
// packets without naming the port, so such a finding is only a warning.
func (d *Doctor) examineFirewall(ctx context.Context) error {
	for _, f := range firewalls {
		rules, err := exec.CommandContext(ctx, f.command[0], f.command[1:]...).Output()
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", strings.Join(f.command, " "), err)
		}
		if !f.closed.Match(rules) {
			continue
		}
		for _, b := range d.bmcs {
			if port := b.Listen[0].Port(); !onlyLoopback(b) && !namesPort(string(rules), port) {
				d.warning(b.Name, fmt.Sprintf("a firewall drops packets by default, and no rule names the UDP port %d", port),
					"see %s", strings.Join(f.command, " "))
			}
		}
	}
	return nil
}

var portRange = regexp.MustCompile(`\b(\d+)(?:[-:](\d+))?\b`)

// namesPort reports whether a rule for destination ports names a port, alone or in a range.
func namesPort(rules string, port uint16) bool {
	for line := range strings.Lines(rules) {
		_, ports, isPortRule := strings.Cut(line, "dport")
		if !isPortRule {
			continue
		}
		for _, match := range portRange.FindAllStringSubmatch(ports, -1) {
			first, _ := strconv.Atoi(match[1])
			last, err := strconv.Atoi(match[2])
			if err != nil {
				last = first
			}
			if first <= int(port) && int(port) <= last {
				return true
			}
		}
	}
	return false
}
