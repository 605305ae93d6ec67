package ipmi

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
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
	} {
		r.talk(
			step{"0c/02 01 " + parameter + " 00 00", "00 11 " + data},
			step{"0c/02 8e " + parameter + " 00 00", "00 11"},
		)
		if parameter != "00" {
			r.talk(step{"0c/01 01 " + parameter + " " + data, "82"})
		}
	}
	for _, parameter := range []string{"12", "13", "19", "32", "33", "37", "c0", "ff"} {
		r.talk(step{"0c/02 01 " + parameter + " 00 00", "80"}, step{"0c/01 01 " + parameter + " 00", "80"})
	}
	r.talk(step{"0c/01 01 00 01", "00"}, step{"0c/01 01 00 02", "00"}, step{"0c/01 01 00 00 00", "c7"})
	require.Empty(t, r.stored)
}

// These parameters have no room for IPv6.
func TestLANConfigurationOverIPv6(t *testing.T) {
	r := newRig(t, statusOnly)
	r.lan = LAN{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Gateway: netip.MustParseAddr("fe80::1")}
	r.talk(
		step{"0c/02 01 03 00 00", "00 11 00 00 00 00"},
		step{"0c/02 01 06 00 00", "00 11 00 00 00 00"},
		step{"0c/02 01 0c 00 00", "00 11 00 00 00 00"},
	)
}

// Only parameters that describe the interface ask the kernel, and not before Later.
func TestLANConfigurationAsksTheKernelOnlyIfNeeded(t *testing.T) {
	r := newRig(t, statusOnly)
	var asked int
	r.LAN = func(netip.Addr) LAN { asked++; return LAN{} }
	for parameter := range 256 {
		host := parameter == 3 || parameter == 5 || parameter == 6 || parameter == 12
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
