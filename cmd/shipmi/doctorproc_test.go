package main

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines of a Linux host with a processor that has the low byte first.
func TestParseUDP(t *testing.T) {
	got, err := parseUDP(`   sl  local_address                         remote_address                        st tx_queue rx_queue
 2: 00000000000000000000000000000000:026F 00000000000000000000000000000000:0000 07 00000000:00000000
 3: B80D0120000000000000000001000000:1856 00000000000000000000000000000000:0000 07 00000000:00000000
 4: 0000000000000000FFFF0000010200C0:1856 00000000000000000000000000000000:0000 07 00000000:00000000
 5: 00000000000000000000000001000000:C350 00000000000000000000000001000000:0035 01 00000000:00000000
`)
	require.NoError(t, err)
	require.Equal(t, []netip.AddrPort{
		netip.MustParseAddrPort("[::]:623"),
		netip.MustParseAddrPort("[2001:db8::1]:6230"),
		netip.MustParseAddrPort("192.0.2.1:6230"),
	}, got)

	for _, bad := range []string{"titles\n 1:", "titles\n 1: 0:0 0:0", "titles\n 1: 0100007F:1856 x"} {
		_, err := parseUDP(bad)
		require.ErrorContains(t, err, "line 2")
	}
}

func TestNames(t *testing.T) {
	for rule, want := range map[string]bool{
		"udp dport 623 accept":                                       true,
		"udp dport { 22, 600-700 } accept":                           true,
		"-A INPUT -p udp -m multiport --dports 22,600:700 -j ACCEPT": true,
		"udp dport 6230 accept":                                      false,
		"udp sport 623 accept":                                       false,
		"udp dport { 22, 700-800 } accept":                           false,
		"":                                                           false,
	} {
		require.Equal(t, want, names(rule, 623), rule)
	}
}
