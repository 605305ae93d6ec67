package units

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOverlap(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"192.0.2.1:623", "192.0.2.1:623", true},
		{"192.0.2.1:623", "192.0.2.1:624", false},
		{"192.0.2.1:623", "192.0.2.2:623", false},
		{"0.0.0.0:623", "192.0.2.1:623", true},
		{"0.0.0.0:623", "[2001:db8::1]:623", false},
		{"0.0.0.0:623", "[::1]:623", false},
		{"[::]:623", "[2001:db8::1]:623", true},
		{"[::]:623", "192.0.2.1:623", true},
		{"[::]:623", "0.0.0.0:623", true},
		{"[::]:623", "[::]:623", true},
		{"[::]:623", "[::]:6230", false},
		{"[fe80::1%a]:623", "[fe80::1%b]:623", false},
	}
	for _, tt := range tests {
		for _, network := range []string{UDP, TCP} {
			a, b := Endpoint{network, netip.MustParseAddrPort(tt.a)}, Endpoint{network, netip.MustParseAddrPort(tt.b)}
			require.Equal(t, tt.want, Overlap(a, b), "%v and %v", a, b)
			require.Equal(t, tt.want, Overlap(b, a), "%v and %v", b, a)
		}
		require.False(t, Overlap(Endpoint{UDP, netip.MustParseAddrPort(tt.a)}, Endpoint{TCP, netip.MustParseAddrPort(tt.b)}))
	}
}

func TestListenSyntax(t *testing.T) {
	for text, addr := range map[string]string{
		"[::]:623":              "[::]:623",
		"192.0.2.1:6230":        "192.0.2.1:6230",
		"[2001:db8::1]:65535":   "[2001:db8::1]:65535",
		"[fe80::1]:623%eth0.10": "[fe80::1%eth0.10]:623",
	} {
		want := netip.MustParseAddrPort(addr)
		require.Equal(t, text, formatListen(want))
		got, err := parseListen(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}

	for text, addr := range map[string]string{"623": "[::]:623", "[::ffff:192.0.2.1]:623": "192.0.2.1:623"} {
		got, err := parseListen(text)
		require.NoError(t, err)
		require.Equal(t, netip.MustParseAddrPort(addr), got)
	}

	for _, text := range []string{"", "0", "65536", "hello", "::", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:x", "/run/x.sock", "@x", "[fe80::1%eth0]:623"} {
		_, err := parseListen(text)
		require.ErrorContains(t, err, "want an address and a port", text)
	}

	for _, zone := range []string{"eth 0", "a/b", "a%b", "a:b", "\xa2", "\x00"} {
		_, err := parseListen("[fe80::1]:623%" + zone)
		require.ErrorContains(t, err, "invalid name of a network interface")
	}
}
