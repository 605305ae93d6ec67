package hostnet

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The last line of each table is what is looked for. The lines above are a heading, a route of another device, a route
// that is down, one without a gateway, one of half of all addresses, one with a bad number, and a line that is cut off.
func TestFindGateway(t *testing.T) {
	const table4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth1	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	00000000	020200C0	0002	0	0	0	00000000	0	0	0
eth0	00000000	00000000	0001	0	0	0	00000000	0	0	0
eth0	00000000	030200C0	0003	0	0	0	00000080	0	0	0
eth0	00000000	zzzzzzzz	0003	0	0	0	00000000	0	0	0
eth0	00000000	040200C0
eth0	00000000	090200C0	0003	0	0	0	00000000	0	0	0
`
	require.Equal(t, "192.0.2.9", findGateway(strings.NewReader(table4), "eth0", parseRoute4).String())
	require.Zero(t, findGateway(strings.NewReader(table4), "eth2", parseRoute4))

	const zeros = "00000000000000000000000000000000"
	lines := func(all ...string) string { return strings.ReplaceAll(strings.Join(all, "\n"), "ANY", zeros) }
	table6 := lines(
		"ANY 00 ANY 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth1",
		"ANY 00 ANY 00 fd000000000000000000000000000002 00000400 00000002 00000000 00000002     eth0",
		"ANY 00 ANY 00 ANY ffffffff 00000001 00000000 00200200     eth0",
		"ANY 01 ANY 00 fd000000000000000000000000000003 00000400 00000002 00000000 00000003     eth0",
		"ANY 00 ANY 00 zz000000000000000000000000000004 00000400 00000002 00000000 00000003     eth0",
		"ANY 00 ANY 00 fd000000000000000000000000000005",
		"ANY 00 ANY 00 fd000000000000000000000000000009 00000400 00000002 00000000 00000003     eth0",
	)
	require.Equal(t, "fd00::9", findGateway(strings.NewReader(table6), "eth0", parseRoute6).String())
	require.Equal(t, netip.Addr{}, findGateway(strings.NewReader(""), "eth0", parseRoute6))
}
