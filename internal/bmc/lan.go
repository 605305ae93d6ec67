package bmc

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/shipmi/shipmi/internal/ipmi"
)

const routeTable = "/proc/net/route"

// FindLAN describes the interface of this host that has the address. What cannot
// be found out is zero.
func FindLAN(addr netip.Addr) ipmi.LAN {
	all, err := net.Interfaces()
	if err != nil {
		return ipmi.LAN{}
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil || !prefix.Contains(addr) || prefix.Addr() != addr && !prefix.Addr().IsLoopback() {
				continue
			}
			lan := ipmi.LAN{Prefix: netip.PrefixFrom(addr, prefix.Bits()), Gateway: gateway(i.Name)}
			copy(lan.MAC[:], i.HardwareAddr)
			return lan
		}
	}
	return ipmi.LAN{}
}

// gateway is where the interface's default route of IPv4 leads.
func gateway(device string) netip.Addr {
	f, err := os.Open(routeTable)
	if err != nil {
		return netip.Addr{}
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// device, destination, gateway …, as the kernel has them in memory
		field := strings.Fields(lines.Text())
		if len(field) < 3 || field[0] != device || field[1] != "00000000" {
			continue
		}
		if b, err := hex.DecodeString(field[2]); err == nil && len(b) == 4 {
			var addr [4]byte
			binary.NativeEndian.PutUint32(addr[:], binary.BigEndian.Uint32(b))
			return netip.AddrFrom4(addr)
		}
	}
	return netip.Addr{}
}
