package hostnet

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// gateway returns the gateway of the default route through a device, in the family of addr. Like the sockets of this
// package, it looks at the network namespace of its thread: /proc/net would be that of the process.
func gateway(addr netip.Addr, device string) netip.Addr {
	file, parse := "/proc/thread-self/net/route", parseRoute4
	if addr.Is6() {
		file, parse = "/proc/thread-self/net/ipv6_route", parseRoute6
	}
	f, err := os.Open(file)
	if err != nil {
		return netip.Addr{}
	}
	defer f.Close()
	return findGateway(f, device, parse)
}

// findGateway returns the first gateway in a routing table that leads out of the device.
func findGateway(table io.Reader, device string, parse func([]string) (string, netip.Addr)) netip.Addr {
	for lines := bufio.NewScanner(table); lines.Scan(); {
		if through, to := parse(strings.Fields(lines.Text())); through == device && to.IsValid() {
			return to
		}
	}
	return netip.Addr{}
}

// parseRoute4 returns the device and the gateway of a line of /proc/net/route that is a default route by a gateway:
//
//	device destination gateway flags use metric priority mask …
//
// Addresses are printed as the numbers that the kernel has in memory.
func parseRoute4(field []string) (device string, gateway netip.Addr) {
	if len(field) < 8 || field[1] != "00000000" || field[7] != "00000000" || !byGateway(field[3]) {
		return "", netip.Addr{}
	}
	number, err := strconv.ParseUint(field[2], 16, 32)
	if err != nil {
		return "", netip.Addr{}
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(number))
	return field[0], netip.AddrFrom4(b)
}

// parseRoute6 returns the device and the gateway of a line of /proc/net/ipv6_route that is a default route by a gateway:
//
//	destination length source length gateway metric references use flags device
func parseRoute6(field []string) (device string, gateway netip.Addr) {
	if len(field) < 10 || field[1] != "00" || !byGateway(field[8]) {
		return "", netip.Addr{}
	}
	b, err := hex.DecodeString(field[4])
	if err != nil {
		return "", netip.Addr{}
	}
	gateway, _ = netip.AddrFromSlice(b)
	return field[9], gateway
}

// byGateway reports whether the flags of a route, see route(8), say that it is up and leads to a gateway.
func byGateway(flags string) bool {
	const wanted = unix.RTF_UP | unix.RTF_GATEWAY
	number, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && number&wanted == wanted
}
