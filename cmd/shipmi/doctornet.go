package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/units"
)

// lookAtPorts looks for sockets of others where a BMC listens. systemd binds with
// SO_REUSEADDR: several sockets may have the same address, and one gets the packets.
func (d *doctor) lookAtPorts(context.Context) error {
	others, err := d.bound()
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
			taken := func(other netip.AddrPort) bool { return units.Overlap(addr, other) }
			for _, earlier := range d.bmcs[:i] {
				if slices.ContainsFunc(earlier.Listen, taken) {
					d.find(b.Name, fmt.Sprintf("%q listens on %v, too", earlier.Name, addr), "shipmi set %s --port PORT", b.Name)
				}
			}
			if slices.ContainsFunc(others, taken) {
				d.find(b.Name, fmt.Sprintf("another program uses %v, too", addr), "see ss -lunp 'sport = :%d'", addr.Port())
			}
		}
	}
	return nil
}

// bound returns where UDP sockets of this host wait for packets.
func (d *doctor) bound() ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for _, file := range []string{"net/udp", "net/udp6"} {
		text, err := d.proc(file)
		if err != nil {
			return nil, err
		}
		found, err := parseUDP(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func (d *doctor) lookAtAddresses(context.Context) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, b := range d.bmcs {
		for _, addr := range b.Listen {
			ip := addr.Addr().WithZone("")
			isOwn := func(a net.Addr) bool {
				network, err := netip.ParsePrefix(a.String())
				return err == nil && network.Addr() == ip
			}
			if !ip.IsUnspecified() && !ip.IsLoopback() && !slices.ContainsFunc(own, isOwn) {
				d.find(b.Name, fmt.Sprintf("this host does not have the address %v", ip),
					"ip address add %v dev INTERFACE, or shipmi set %s --address ADDRESS", ip, b.Name)
			}
		}
	}
	return nil
}

func onlyLoopback(b units.BMC) bool {
	return !slices.ContainsFunc(b.Listen, func(addr netip.AddrPort) bool { return !addr.Addr().IsLoopback() })
}

// firewalls are the commands that print rules, and what they print where packets that
// no rule takes are dropped.
var firewalls = []struct {
	command []string
	closed  *regexp.Regexp
}{
	{[]string{"nft", "-n", "list", "ruleset"}, regexp.MustCompile(`hook input .*policy drop`)},
	{[]string{"iptables-legacy-save"}, regexp.MustCompile(`(?m)^:INPUT DROP`)},
	{[]string{"ip6tables-legacy-save"}, regexp.MustCompile(`(?m)^:INPUT DROP`)},
}

// lookAtFirewall looks for ports that no rule names. A rule may let them through
// without naming them, so this is never more than a doubt.
func (d *doctor) lookAtFirewall(ctx context.Context) error {
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
			if port := b.Listen[0].Port(); !onlyLoopback(b) && !names(string(rules), port) {
				d.doubt(b.Name, fmt.Sprintf("a firewall drops what no rule takes, and no rule names the UDP port %d", port),
					"see %s", strings.Join(f.command, " "))
			}
		}
	}
	return nil
}

var portRange = regexp.MustCompile(`\b(\d+)(?:[-:](\d+))?\b`)

// names tells whether a rule for destination ports names a port, alone or in a range.
func names(rules string, port uint16) bool {
	for line := range strings.Lines(rules) {
		_, ports, found := strings.Cut(line, "dport")
		if !found {
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
