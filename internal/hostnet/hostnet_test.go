package hostnet

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestFindLoopback(t *testing.T) {
	for addr, prefix := range map[string]string{
		"127.0.0.1":        "127.0.0.1/8",
		"127.0.0.2":        "127.0.0.2/8",
		"::ffff:127.0.0.2": "127.0.0.2/8",
	} {
		found := Find(netip.MustParseAddr(addr))
		require.Equal(t, Interface{Prefix: netip.MustParsePrefix(prefix)}, found, addr)
	}
}

func TestFindNothing(t *testing.T) {
	for _, addr := range []string{"192.0.2.77", "2001:db8::77", "0.0.0.0", "fe80::1%999999"} {
		require.Zero(t, Find(netip.MustParseAddr(addr)), addr)
	}
	require.Zero(t, Find(netip.Addr{}))
}

// The reference is the net package, as in the code that Find has replaced.
func TestFindAgreesWithNet(t *testing.T) {
	inNetwork(t, `
		link add test0 address 02:00:00:00:00:01 type veth peer name test1
		link set test0 up
		link set test1 up
		address add 192.0.2.1/24 dev test0
		address add 192.0.2.2/24 dev test0
		address add 198.51.100.1/32 dev test1
		address add 203.0.113.1 peer 203.0.113.2/32 dev test1
		address add 127.5.0.1/16 dev test1
		address add 2001:db8::1/64 dev test0 nodad
		route add default via 192.0.2.254
		route add 0.0.0.0/1 via 192.0.2.253
		route add default via 2001:db8::fe dev test0
	`)
	for _, text := range []string{
		"127.0.0.1", "127.0.0.2", "127.5.0.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1", "203.0.113.1", "203.0.113.2",
		"::1", "2001:db8::1", "2001:db8::2",
	} {
		addr := netip.MustParseAddr(text)
		prefix, mac := findByNet(t, addr)
		found := Find(addr)
		require.Equal(t, prefix, found.Prefix, text)
		require.Equal(t, mac, found.MAC, text)
	}
	require.Equal(t, netip.MustParseAddr("192.0.2.254"), Find(netip.MustParseAddr("192.0.2.1")).Gateway)
	require.Equal(t, netip.MustParseAddr("2001:db8::fe"), Find(netip.MustParseAddr("2001:db8::1")).Gateway)
	require.Zero(t, Find(netip.MustParseAddr("198.51.100.1")).Gateway)
	require.Equal(t, [6]byte{2, 0, 0, 0, 0, 1}, Find(netip.MustParseAddr("192.0.2.1")).MAC)
}

// A link-local address may be on several interfaces. The zone says which one is meant, by name or by number.
func TestFindByZone(t *testing.T) {
	inNetwork(t, `
		link add test0 address 02:00:00:00:00:01 type veth peer name test1
		link set test1 address 02:00:00:00:00:02
		link set test0 up
		link set test1 up
		address add fe80::1/64 dev test0 nodad
		address add fe80::1/96 dev test1 nodad
	`)
	second, err := net.InterfaceByName("test1")
	require.NoError(t, err)
	want := Interface{Prefix: netip.MustParsePrefix("fe80::1/96"), MAC: [6]byte{2, 0, 0, 0, 0, 2}}
	require.Equal(t, want, Find(netip.MustParseAddr("fe80::1%test1")))
	require.Equal(t, want, Find(netip.MustParseAddr(fmt.Sprintf("fe80::1%%%d", second.Index))))
	require.Zero(t, Find(netip.MustParseAddr("fe80::1%test2")))
}

const (
	manyInterfaces = 1000
	maxFindTime    = 25 * time.Millisecond // "ipmitool lan print" needs four and must end within 100 ms
)

func TestFindAmongManyInterfaces(t *testing.T) {
	inNetwork(t, manyBridges())
	addr, mac := lastBridge(t)
	var found Interface
	fastest := time.Hour // of several: other programs use the processors too
	for range 20 {
		begun := time.Now()
		found = Find(addr)
		fastest = min(fastest, time.Since(begun))
	}
	require.Equal(t, Interface{Prefix: netip.PrefixFrom(addr, 24), MAC: mac}, found)
	require.Less(t, fastest, maxFindTime)
	t.Logf("%v with %d interfaces", fastest, manyInterfaces)
}

func BenchmarkFindAmongManyInterfaces(b *testing.B) {
	inNetwork(b, manyBridges())
	addr, _ := lastBridge(b)
	for b.Loop() {
		Find(addr)
	}
}

// The net package is what Find is compared with.
func BenchmarkNetAmongManyInterfaces(b *testing.B) {
	inNetwork(b, manyBridges())
	addr, _ := lastBridge(b)
	for b.Loop() {
		findByNet(b, addr)
	}
}

func manyBridges() string {
	var lines strings.Builder
	for i := range manyInterfaces {
		fmt.Fprintf(&lines, "link add br%d type bridge\naddress add 10.%d.%d.1/24 dev br%d\n", i, i/256, i%256, i)
	}
	return lines.String()
}

func lastBridge(t testing.TB) (addr netip.Addr, mac [6]byte) {
	const last = manyInterfaces - 1
	bridge, err := net.InterfaceByName(fmt.Sprintf("br%d", last))
	require.NoError(t, err)
	copy(mac[:], bridge.HardwareAddr)
	return netip.AddrFrom4([4]byte{10, last / 256, last % 256, 1}), mac
}

// findByNet does what Find does, with the net package.
func findByNet(t testing.TB, addr netip.Addr) (found netip.Prefix, mac [6]byte) {
	all, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range all {
		addrs, err := i.Addrs()
		require.NoError(t, err)
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil || !prefix.Contains(addr) || prefix.Addr() != addr && !prefix.Addr().IsLoopback() {
				continue
			}
			copy(mac[:], i.HardwareAddr)
			return netip.PrefixFrom(addr, prefix.Bits()), mac
		}
	}
	return netip.Prefix{}, mac
}

// inNetwork puts the test into a network namespace of its own, which the lines of commands for ip(8) set up.
func inNetwork(t testing.TB, commands string) {
	t.Helper()
	runtime.LockOSThread() // for good: the thread and its namespace end with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("NOT TESTED: creating a network namespace takes root: %v", err)
	}
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader("link set lo up\n" + commands)
	out, err := ip.CombinedOutput()
	require.NoError(t, err, "ip -batch: %s", out)
}
