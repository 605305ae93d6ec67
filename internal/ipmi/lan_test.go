package ipmi

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Lengths are those that "ipmitool lan print" and ipmi-config insist on.
func TestLANConfiguration(t *testing.T) {
	r := newRig(t, statusOnly)
	r.lan = LAN{
		Prefix:  netip.MustParsePrefix("192.0.2.10/26"),
		MAC:     [6]byte{2, 3, 4, 5, 6, 7},
		Gateway: netip.MustParseAddr("192.0.2.1"),
	}
	for parameter, data := range map[string]string{
		"00": "00",
		"01": "00",
		"02": "00 00 00 00 00",
		"03": "c0 00 02 0a",
		"04": "00",
		"05": "02 03 04 05 06 07",
		"06": "ff ff ff c0",
		"07": "40 40 10",
		"08": "56 18", // 6230
		"09": "98 02",
		"0a": "02",
		"0b": "00",
		"0c": "c0 00 02 01",
		"0d": "00 00 00 00 00 00",
		"0e": "00 00 00 00",
		"0f": "00 00 00 00 00 00",
		"10": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
		"11": "00",
		"14": "00 00",
		"15": "00",
		"16": "02",
		"17": "00 03 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
		"18": "00 00 40 00 00 00 00 00 00",
		"1a": "00 00 00 00 00 00",
		"32": "03",
		"33": "00",
		"34": "00",
		"35": "40",
		"36": "00 00 00",
		"37": "01 00 00",
		"38": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01", // disabled
		"39": "00",
		"40": "00",
		"41": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
		"42": "00 00 00 00 00 00",
		"43": "00",
		"44": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
		"45": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
		"46": "00 00 00 00 00 00",
		"47": "00",
		"48": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
	} {
		r.talk(
			step{"0c/02 01 " + parameter + " 00 00", "00 11 " + data},
			step{"0c/02 8e " + parameter + " 00 00", "00 11"},
		)
		if parameter != "00" {
			r.talk(step{"0c/01 01 " + parameter + " " + data, "82"})
		}
	}
	for _, parameter := range []string{"12", "13", "19", "3a", "3c", "49", "c0", "ff"} {
		r.talk(step{"0c/02 01 " + parameter + " 00 00", "80"}, step{"0c/01 01 " + parameter + " 00", "80"})
	}
	r.talk(step{"0c/01 01 00 01", "00"}, step{"0c/01 01 00 02", "00"}, step{"0c/01 01 00 00 00", "c7"})
	require.Empty(t, r.stored)
}

// Behind a router that translates addresses and ports, clients get those of the router.
func TestLANConfigurationAdvertised(t *testing.T) {
	for advertise, want := range map[string]string{
		"192.0.2.1:623":   "c0 00 02 01 6f 02",
		"[2001:db8::1]:1": "00 00 00 00 01 00",
	} {
		r := newRig(t, statusOnly)
		r.lan = LAN{Prefix: netip.MustParsePrefix("10.0.0.10/26")}
		r.Advertise = netip.MustParseAddrPort(advertise)
		r.talk(step{"0c/02 01 03 00 00", "00 11 " + want[:11]}, step{"0c/02 01 08 00 00", "00 11 " + want[12:]})
		r.talk(step{"0c/02 01 06 00 00", "00 11 ff ff ff c0"})
		r.Advertise = netip.AddrPortFrom(netip.Addr{}, 623)
		r.talk(step{"0c/02 01 03 00 00", "00 11 0a 00 00 0a"}, step{"0c/02 01 08 00 00", "00 11 6f 02"})
	}
}

// A host has these addresses, of which a BMC may listen on one, on some or on all.
var (
	host4 = LAN{Prefix: netip.MustParsePrefix("192.0.2.10/26"), MAC: [6]byte{2}, Gateway: netip.MustParseAddr("192.0.2.1")}
	host6 = LAN{Prefix: netip.MustParsePrefix("2001:db8::a/64"), MAC: [6]byte{2}, Gateway: netip.MustParseAddr("fe80::1")}
)

// The guest is told one address of each family, as lengths and bits of "ipmitool lan6 print".
func TestLANConfigurationOfBothFamilies(t *testing.T) {
	const (
		zeros   = "00 00 00 00"
		no6     = "00 00 " + zeros + " " + zeros + " " + zeros + " " + zeros + " 00 01"
		address = "20 01 0d b8 " + zeros + " " + zeros + " 00 00 00 0a"
		gateway = "fe 80 00 00 " + zeros + " " + zeros + " 00 00 00 01"
	)
	for name, tt := range map[string]struct {
		listens, advertise                string
		enables, ip, mask, static, router string
	}{
		"IPv4":                {"192.0.2.10", "", "00", "c0 00 02 0a", "ff ff ff c0", no6, ""},
		"IPv6":                {"2001:db8::a", "", "01", zeros, zeros, "00 80 " + address + " 40 00", gateway},
		"both":                {"2001:db8::a 192.0.2.10", "", "02", "c0 00 02 0a", "ff ff ff c0", "00 80 " + address + " 40 00", gateway},
		"every address":       {"::", "", "02", zeros, zeros, no6, ""},
		"every one of IPv4":   {"0.0.0.0", "", "00", zeros, zeros, no6, ""},
		"a router with IPv6":  {"2001:db8::a", "[2001:db8::1:a]:623", "01", zeros, zeros, "00 80 20 01 0d b8 " + zeros + " " + zeros + " 00 01 00 0a 40 00", gateway},
		"a router, elsewhere": {"::", "[2001:db8::a]:623", "01", zeros, zeros, "00 80 " + address + " 00 00", ""},
		"a router with IPv4":  {"2001:db8::a", "192.0.2.10:623", "00", "c0 00 02 0a", zeros, no6, gateway},
	} {
		r := newGuest(t, rmcp.Operator)
		r.LAN = func(addr netip.Addr) LAN {
			switch addr {
			case host4.Prefix.Addr():
				return host4
			case host6.Prefix.Addr():
				return host6
			}
			t.Errorf("%s: asked for %v", name, addr)
			return LAN{}
		}
		for _, addr := range strings.Fields(tt.listens) {
			r.Listens = append(r.Listens, netip.MustParseAddr(addr))
		}
		if tt.advertise != "" {
			r.Advertise = netip.MustParseAddrPort(tt.advertise)
		}
		control := "01"
		if tt.router == "" {
			control, tt.router = "00", zeros+" "+zeros+" "+zeros+" "+zeros
		}
		for parameter, want := range map[string]string{
			"03": tt.ip, "06": tt.mask, "33": tt.enables, "38": tt.static, "40": control, "41": tt.router,
		} {
			request := r.request("0c/02 01 " + parameter + " 00 00")
			request.Local = netip.AddrPortFrom(r.Listens[0], 623)
			_, answer := r.Handle(request)
			if answer.Later != nil {
				answer = answer.Later()()
			}
			require.Equal(t, "11 "+want, fmt.Sprintf("% x", answer.Data), "%s: parameter %s", name, parameter)
		}
	}
}

// There is one static address, and no dynamic one.
func TestLANConfigurationSets(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"0c/02 01 38 01 00", "c9"}, step{"0c/02 01 38 ff 00", "c9"}, step{"0c/02 01 3b 00 00", "c9"}, step{"0c/02 01 3b 01 00", "c9"},
		step{"0c/01 01 3b 00", "82"},
	)
}

// Only parameters that describe the interface ask the kernel, and not before Later.
func TestLANConfigurationAsksTheKernelOnlyIfNeeded(t *testing.T) {
	r := newRig(t, statusOnly)
	var asked int
	r.Listens = []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::a")}
	r.LAN = func(netip.Addr) LAN { asked++; return LAN{} }
	for parameter := range 256 {
		_, host := hostParameters[byte(parameter)]
		_, answer := r.Handle(r.request(fmt.Sprintf("0c/02 01 %02x 00 00", parameter)))
		require.Equal(t, host, answer.Later != nil, "parameter %d", parameter)
		require.Zero(t, asked)
		if host {
			finish := answer.Later()
			require.Equal(t, 1, asked)
			asked = 0
			require.Equal(t, OK, finish().Code)
		}
	}
	require.Zero(t, asked)
}

// "ipmitool sol info" reads them all.
func TestSOLConfiguration(t *testing.T) {
	r := newRig(t, statusOnly)
	for parameter, data := range map[string]string{
		"00": "00", "01": "00", "02": "c3", "03": "0c 60", "04": "07 32", "05": "00", "06": "00", "07": "01", "08": "56 18",
	} {
		r.talk(step{"0c/22 0e " + parameter + " 00 00", "00 11 " + data}, step{"0c/22 81 " + parameter + " 00 00", "00 11"})
		if parameter != "00" {
			r.talk(step{"0c/21 0e " + parameter + " " + data, "82"})
		}
	}
	r.talk(step{"0c/22 0e 09 00 00", "80"}, step{"0c/21 0e 09 00", "80"}, step{"0c/21 0e 00 00 00", "c7"})
}
