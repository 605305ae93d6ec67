package doctor

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/units"
)

// The lines are from a Linux host with a little-endian processor.
func TestEndpoints(t *testing.T) {
	d := Doctor{ProcDir: t.TempDir()}
	write := func(name, text string) {
		path := filepath.Join(d.ProcDir, "net", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	const rest = " 00:00000000 00000000     0        0 21482 2 0000000000000000 0\n"
	write("udp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"+
		" 1: 010200C0:1857 00000000:0000 07 00000000:00000000"+rest)
	write("udp6", "  sl  local_address                         remote_address                        st tx_queue rx_queue\n"+
		" 2: 00000000000000000000000000000000:026F 00000000000000000000000000000000:0000 07 00000000:00000000"+rest+
		" 3: B80D0120000000000000000001000000:1856 00000000000000000000000000000000:0000 07 00000000:00000000"+rest+
		" 4: 0000000000000000FFFF0000010200C0:1856 00000000000000000000000000000000:0000 07 00000000:00000000"+rest+
		" 5: 00000000000000000000000001000000:C350 00000000000000000000000001000000:0035 01 00000000:00000000"+rest)
	write("tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"+
		" 0: 010200C0:20FB 00000000:0000 0A 00000000:00000000"+rest+
		" 1: 010200C0:20FB 020200C0:C350 01 00000000:00000000"+rest)
	write("tcp6", "  sl  local_address                         remote_address                        st tx_queue rx_queue\n"+
		" 0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000"+rest)
	got, err := Endpoints(d.ProcDir)
	require.NoError(t, err)
	require.Equal(t, []units.Endpoint{
		{Network: units.UDP, AddrPort: netip.MustParseAddrPort("192.0.2.1:6231")},
		{Network: units.UDP, AddrPort: netip.MustParseAddrPort("[::]:623")},
		{Network: units.UDP, AddrPort: netip.MustParseAddrPort("[2001:db8::1]:6230")},
		{Network: units.UDP, AddrPort: netip.MustParseAddrPort("192.0.2.1:6230")},
		{Network: units.TCP, AddrPort: netip.MustParseAddrPort("192.0.2.1:8443")},
		{Network: units.TCP, AddrPort: netip.MustParseAddrPort("[::]:443")},
	}, got)

	require.NoError(t, os.Remove(filepath.Join(d.ProcDir, "net/udp6")))
	got, err = Endpoints(d.ProcDir)
	require.NoError(t, err, "a kernel without IPv6")
	require.Len(t, got, 3)

	for _, bad := range []string{" 1:", " 1: 0:0 0:0", " 1: 0100007F:1856 x 07 00000000:00000000" + rest} {
		write("udp", "titles\n"+bad)
		_, err := Endpoints(d.ProcDir)
		require.Error(t, err, bad)
	}
}

func TestNamesPort(t *testing.T) {
	for rule, want := range map[string]bool{
		"udp dport 623 accept":                                       true,
		"udp dport { 22, 600-700 } accept":                           true,
		"-A INPUT -p udp -m multiport --dports 22,600:700 -j ACCEPT": true,
		"udp dport 6230 accept":                                      false,
		"udp sport 623 accept":                                       false,
		"udp dport { 22, 700-800 } accept":                           false,
		"":                                                           false,
	} {
		require.Equal(t, want, namesPort(rule, 623), rule)
	}
}
