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

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

// examinePorts finds sockets of other programs on the addresses of BMCs. systemd binds with
// SO_REUSEADDR: several sockets can have the same address, and one of them gets the packets.
func (d *Doctor) examinePorts(context.Context) error {
	sockets, err := Endpoints(d.ProcDir)
	if err != nil {
		return err
	}
	own := make(map[units.Endpoint]int) // how many sockets with an address BMCs have
	for _, b := range d.bmcs {
		if d.conditions[units.SocketUnit(b.Name)].Active {
			for _, e := range b.Endpoints() {
				own[e]++
			}
		}
	}
	var others []units.Endpoint
	for _, e := range sockets {
		if own[e]--; own[e] < 0 {
			others = append(others, e)
		}
	}
	earlier := make(map[uint16][]units.BMC) // by port
	for _, b := range d.bmcs {
		for _, e := range b.Endpoints() {
			overlaps := func(other units.Endpoint) bool { return units.Overlap(e, other) }
			for _, other := range earlier[e.Port()] {
				if slices.ContainsFunc(other.Endpoints(), overlaps) {
					d.problem(b.Name, fmt.Sprintf("%q listens on %v, too", other.Name, e), "shipmi set %s --%s PORT", b.Name, PortFlag(e))
				}
			}
			if slices.ContainsFunc(others, overlaps) {
				d.silent[b.Name] = true
				d.problem(b.Name, fmt.Sprintf("another program uses %v, too", e), "see %s", ListUsers(e))
			}
		}
		for _, e := range b.Endpoints() {
			if named := earlier[e.Port()]; named == nil || named[len(named)-1].Name != b.Name {
				earlier[e.Port()] = append(named, b)
			}
		}
	}
	return nil
}

// PortFlag returns the flag of "shipmi set" for the port of an endpoint.
func PortFlag(e units.Endpoint) string {
	if e.Network == units.TCP {
		return "redfish"
	}
	return "port"
}

// ListUsers returns the command that lists the programs that use an address.
func ListUsers(e units.Endpoint) string {
	return fmt.Sprintf("ss -l%cnp 'sport = :%d'", e.Network[0], e.Port())
}

// listening is the state of a TCP socket in proc(5): TCP_LISTEN.
const listening = 0x0A

// Endpoints returns the addresses of the sockets of this host that receive packets of every
// sender: UDP sockets that are not connected to a peer, and TCP sockets that listen. procDir
// is where proc(5) is mounted.
func Endpoints(procDir string) ([]units.Endpoint, error) {
	proc, err := procfs.NewFS(procDir)
	if err != nil {
		return nil, err
	}
	var all []units.Endpoint
	add := func(network string, ip net.IP, port uint64) {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			all = append(all, units.Endpoint{Network: network, AddrPort: netip.AddrPortFrom(addr.Unmap(), uint16(port))})
		}
	}
	var errs []error
	for _, read := range []func() (procfs.NetUDP, error){proc.NetUDP, proc.NetUDP6} {
		sockets, err := read()
		for _, s := range sockets {
			if s.RemPort == 0 {
				add(units.UDP, s.LocalAddr, s.LocalPort)
			}
		}
		errs = append(errs, err)
	}
	//lint:ignore SA1019 a few listening sockets do not need what netlink is for: a host with very many connections
	for _, read := range []func() (procfs.NetTCP, error){proc.NetTCP, proc.NetTCP6} {
		sockets, err := read()
		for _, s := range sockets {
			if s.St == listening {
				add(units.TCP, s.LocalAddr, s.LocalPort)
			}
		}
		errs = append(errs, err)
	}
	isMissing := func(err error) bool { return errors.Is(err, fs.ErrNotExist) } // a kernel without IPv6
	return all, errors.Join(slices.DeleteFunc(errs, isMissing)...)
}

func (d *Doctor) examineAddresses(context.Context) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, b := range d.bmcs {
		for _, ip := range b.Addresses() {
			if ip = ip.WithZone(""); !hasAddress(own, ip) {
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
	return !slices.ContainsFunc(b.Addresses(), func(addr netip.Addr) bool { return !addr.IsLoopback() })
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
		d.examineTranslations(string(rules))
		if !f.closed.Match(rules) {
			continue
		}
		for _, b := range d.bmcs {
			var closed []string
			for _, e := range b.Endpoints() {
				port := fmt.Sprintf("%s port %d", strings.ToUpper(e.Network), e.Port())
				if !e.Addr().IsLoopback() && !namesPort(string(rules), e.Port()) && !slices.Contains(closed, port) {
					closed = append(closed, port)
					d.warning(b.Name, "a firewall drops packets by default, and no rule names the "+port, "see %s", strings.Join(f.command, " "))
				}
			}
		}
	}
	return nil
}

// The ports of a rule that gives packets another port, as nft and iptables-save print them.
var (
	translates  = regexp.MustCompile(`(?i)\b(redirect|dnat)\b`)
	matchedPort = regexp.MustCompile(`\bdport (\d+)\b`)
	newPort     = regexp.MustCompile(`(?: to|--to-ports|--to-destination) (?:\S*:)?(\d+)(?:\s|$)`)
)

// examineTranslations finds BMCs with a console behind a rule that gives packets another port.
// Clients are told the port to which they must send packets of the console. They refuse the
// console if that is not the port that they know.
func (d *Doctor) examineTranslations(rules string) {
	for line := range strings.Lines(rules) {
		from, to := matchedPort.FindStringSubmatch(line), newPort.FindStringSubmatch(line)
		if from == nil || to == nil || from[1] == to[1] || !translates.MatchString(line) {
			continue
		}
		for _, b := range d.bmcs {
			isBehind := func(addr netip.AddrPort) bool { return strconv.Itoa(int(addr.Port())) == to[1] }
			if !slices.ContainsFunc(b.Listen, isBehind) || b.Advertise.Port() != 0 || !d.hasConsole(b) {
				continue
			}
			d.warning(b.Name, fmt.Sprintf("the firewall translates the UDP port %s to %s, and clients refuse the console if they use the port %s", from[1], to[1], from[1]),
				"shipmi set %s --advertise :%s", b.Name, from[1])
		}
	}
}

// hasConsole reports whether the provider of a BMC has a console script.
func (d *Doctor) hasConsole(b units.BMC) bool {
	p, err := d.load(b.Provider)
	return err == nil && p.Has(provider.Connect)
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
