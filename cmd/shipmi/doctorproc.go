package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// proc reads a file below /proc.
func (d *doctor) proc(path string) (string, error) {
	text, err := os.ReadFile(filepath.Join(d.procDir, path))
	return string(text), err
}

// parseUDP returns the addresses in /proc/net/udp or udp6 (proc_net_udp(5)) that have
// no peer: those that wait for packets of everybody.
func parseUDP(text string) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fields := strings.Fields(line)
		if i == 0 {
			continue // titles
		}
		if len(fields) < 3 {
			return nil, fmt.Errorf("line %d: %q", i+1, line)
		}
		local, err := parseEndpoint(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		peer, err := parseEndpoint(fields[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if peer.Port() == 0 {
			all = append(all, local)
		}
	}
	return all, nil
}

// parseEndpoint reads an address, which is in words of 32 bits as the processor has
// them, and a port, all in hex digits.
func parseEndpoint(text string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: %w", text, err)
	}
	for i := 0; i+4 <= len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: want an address and a port", text)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

var openFilesLimit = regexp.MustCompile(`(?m)^Max open files +(\d+) `)

// lookAtLimits looks for limits that are nearly reached: systemd has a descriptor for
// each address of each BMC.
func (d *doctor) lookAtLimits(context.Context) error {
	usage, err := d.proc("sys/fs/file-nr")
	if err != nil {
		return err
	}
	var used, unused, limit uint64
	if _, err := fmt.Sscan(usage, &used, &unused, &limit); err != nil {
		return fmt.Errorf("sys/fs/file-nr: %q: %w", usage, err)
	}
	if nearly(used, limit) {
		d.find("", fmt.Sprintf("%d of at most %d files are open on this host", used, limit), "sysctl fs.file-max=NUMBER allows more")
	}
	if d.user {
		return nil // the number of systemd is not 1, and it has few
	}
	limits, err := d.proc("1/limits")
	if err != nil {
		return err
	}
	open, err := os.ReadDir(filepath.Join(d.procDir, "1/fd"))
	if err != nil {
		return err
	}
	match := openFilesLimit.FindStringSubmatch(limits)
	if match == nil {
		return nil // unlimited
	}
	if limit, err = strconv.ParseUint(match[1], 10, 64); err == nil && nearly(uint64(len(open)), limit) {
		d.find("", fmt.Sprintf("systemd has %d of at most %d files open", len(open), limit), "prlimit --pid 1 --nofile=NUMBER allows more")
	}
	return err
}

// nearly is more than nine tenths.
func nearly(used, limit uint64) bool { return used > limit-limit/10 }
