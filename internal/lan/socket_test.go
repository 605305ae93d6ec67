package lan

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A client that asked 127.0.0.2 drops an answer from 127.0.0.1, the address from which a
// socket with a wildcard address would answer.
func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	tests := map[string]struct{ listen, ask string }{
		"IPv4":                 {"0.0.0.0", "127.0.0.2"},
		"IPv4 on an IPv6 port": {"::", "127.0.0.3"},
		"IPv6":                 {"::", "::1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sockets := listen(t, tt.listen)
			to := netip.AddrPortFrom(netip.MustParseAddr(tt.ask), sockets.all[0].local.Port())
			client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			require.NoError(t, err)
			defer client.Close()
			_, err = client.Write([]byte("request"))
			require.NoError(t, err)

			d, answerable := next(t, sockets)
			require.True(t, answerable)
			require.Equal(t, "request", string(d.b[:d.n]))
			require.Equal(t, client.RemoteAddr().String(), d.from.local.String())
			require.Equal(t, client.LocalAddr().String(), d.from.peer.String(), "unmapped")
			requireAnswered(t, sockets, &d.from, client)
		})
	}
}

// A link-local address means nothing without its interface.
func TestALinkLocalPeerIsAnswered(t *testing.T) {
	inNetwork(t, "addr add fe80::1/64 dev test0 nodad", "link set lo up", "link set test0 up", "link set test1 up")
	device, err := net.InterfaceByName("test0")
	require.NoError(t, err)
	sockets := listen(t, "::")
	to := &net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: int(sockets.all[0].local.Port()), Zone: strconv.Itoa(device.Index)}
	client, err := net.DialUDP("udp6", nil, to)
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Write([]byte("request"))
	require.NoError(t, err)

	d, answerable := next(t, sockets)
	require.True(t, answerable)
	require.Equal(t, netip.MustParseAddr(fmt.Sprintf("fe80::1%%%d", device.Index)), d.from.peer.Addr())
	requireAnswered(t, sockets, &d.from, client)
}

func TestADatagramThatIsTooLongIsNotWhole(t *testing.T) {
	sockets := listen(t, "127.0.0.1")
	client := dial(t, sockets.all[0])
	for size, want := range map[int]bool{maxDatagram: true, maxDatagram + 1: false} {
		_, err := client.Write(make([]byte, size))
		require.NoError(t, err)
		_, answerable := next(t, sockets)
		require.Equal(t, want, answerable, size)
	}
}

// Broadcasts and multicasts get no answer.
func TestABroadcastIsNotAnswered(t *testing.T) {
	inNetwork(t, "addr add 192.0.2.1/24 broadcast + dev test0", "addr add fd00::1/64 dev test0 nodad", "link set lo up", "link set test0 up", "link set test1 up")
	device, err := net.InterfaceByName("test0")
	require.NoError(t, err)
	tests := map[string]struct {
		listen, to string
		dropped    bool // else the kernel refuses to send the answer
	}{
		"to this host":                  {"0.0.0.0", "192.0.2.1", false},
		"to a network":                  {"0.0.0.0", "192.0.2.255", true},
		"to a network, on an IPv6 port": {"::", "192.0.2.255", false},
		"to all":                        {"0.0.0.0", "255.255.255.255", true},
		"to all, on an IPv6 port":       {"::", "255.255.255.255", true},
		"to a group":                    {"0.0.0.0", "224.0.0.1", true},
		"to a group of IPv6":            {"::", "ff02::1", true},
	}
	for name, tt := range tests {
		sockets := listen(t, tt.listen)
		to := netip.AddrPortFrom(netip.MustParseAddr(tt.to), sockets.all[0].local.Port())
		from := netip.MustParseAddrPort("192.0.2.1:0")
		if to.Addr().Is6() {
			from = netip.MustParseAddrPort("[fd00::1]:0")
		}
		client, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(from))
		require.NoError(t, err)
		defer client.Close()
		reachMany(t, client, to.Addr(), device.Index)
		require.Eventually(t, func() bool { // the cable has just been plugged in
			_, err = client.WriteToUDPAddrPort([]byte("request"), to)
			return err == nil
		}, 5*time.Second, 10*time.Millisecond, "%s: %v", name, err)

		d, answerable := next(t, sockets)
		require.NotZero(t, d.n, "%s: it did not get here: the test shows nothing", name)
		require.Equal(t, !tt.dropped, answerable, name)
		if answerable {
			err = sockets.send(&d.from, []byte("answer"))
			require.Equal(t, tt.to == "192.0.2.1", err == nil, "%s: %v", name, err)
		}
	}
}

// inNetwork puts the test into a network of its own, with the devices test0 and test1
// at the ends of a cable.
func inNetwork(t *testing.T, commands ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	runtime.LockOSThread() // for good: the thread ends with the test
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET))
	for _, line := range append([]string{"link add test0 type veth peer name test1"}, commands...) {
		out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput()
		require.NoError(t, err, "ip %s: %s", line, out)
	}
	for _, line := range commands {
		if added, found := strings.CutPrefix(line, "addr add "); found {
			addr, _, _ := strings.Cut(added, "/")
			waitForRoute(t, netip.MustParseAddr(addr))
		}
	}
}

// waitForRoute waits until the kernel delivers packets to an address of test0. For IPv6 it
// adds the route later, in a worker of its own. Until then it sends them through the cable.
func waitForRoute(t *testing.T, addr netip.Addr) {
	t.Helper()
	get := []string{"route", "get", addr.String(), "oif", "test0"}
	var out []byte
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if out, _ = exec.Command("ip", get...).CombinedOutput(); bytes.HasPrefix(out, []byte("local ")) {
			return
		}
	}
	t.Fatalf("ip %s: %s", strings.Join(get, " "), out)
}

// reachMany lets a socket send broadcasts, and multicasts through a device.
func reachMany(t *testing.T, c *net.UDPConn, to netip.Addr, device int) {
	t.Helper()
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		if to.Is6() {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, device)
			return
		}
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, device),
			unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(device)}))
	}))
	require.NoError(t, err)
}

func TestAnAnswerNeedsAPeer(t *testing.T) {
	for peer, want := range map[string]bool{
		"192.0.2.1:623": true, "[2001:db8::1]:623": true, "[fe80::1%lo]:623": true,
		"192.0.2.1:0": false, "0.0.0.0:623": false, "255.255.255.255:623": false, "224.0.0.1:623": false, "[ff02::1%lo]:623": false, "[::]:623": false,
	} {
		require.Equal(t, want, answerable(netip.MustParseAddrPort(peer)), peer)
	}
}

// requireAnswered has a client get what is sent to it.
func requireAnswered(t *testing.T, s *Sockets, to *address, client *net.UDPConn) {
	t.Helper()
	require.NoError(t, s.send(to, []byte("answer")))
	require.NoError(t, client.SetReadDeadline(time.Now().Add(5*time.Second)))
	answer := make([]byte, 16)
	n, err := client.Read(answer)
	require.NoError(t, err)
	require.Equal(t, "answer", string(answer[:n]))
}

// listen opens a socket as systemd does with PassPacketInfo=yes.
func listen(t testing.TB, addrs ...string) *Sockets {
	t.Helper()
	var all []*Socket
	for _, addr := range addrs {
		family, level, option := "udp4", unix.IPPROTO_IP, unix.IP_PKTINFO
		if netip.MustParseAddr(addr).Is6() {
			family, level, option = "udp", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
		}
		conn, err := net.ListenUDP(family, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
		require.NoError(t, err)
		raw, err := conn.SyscallConn()
		require.NoError(t, err)
		var passed int
		require.NoError(t, raw.Control(func(fd uintptr) {
			passed, err = unix.Dup(int(fd))
			err = errors.Join(err, unix.SetsockoptInt(int(fd), level, option, 1))
		}))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		t.Cleanup(func() { unix.Close(passed) })
		socket, err := NewSocket(passed)
		require.NoError(t, err)
		all = append(all, socket)
	}
	sockets, err := NewSockets(all...)
	require.NoError(t, err)
	return sockets
}

// dial opens a client of a socket.
func dial(t testing.TB, s *Socket) *net.UDPConn {
	t.Helper()
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.local))
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// next returns the next datagram; it is empty if none arrives.
func next(t testing.TB, s *Sockets) (d *datagram, answerable bool) {
	t.Helper()
	d = new(datagram)
	answerable, err := s.receive(d, 5*time.Second)
	require.NoError(t, err)
	return d, answerable
}

// The route selects the interface of an answer. Only a link-local address needs its
// interface.
func TestPacketInfoOfAnAnswer(t *testing.T) {
	info6 := func(addr string, index byte) []byte {
		ip := netip.MustParseAddr(addr).As16()
		b := append([]byte{36, 0, 0, 0, 0, 0, 0, 0, unix.IPPROTO_IPV6, 0, 0, 0, unix.IPV6_PKTINFO, 0, 0, 0}, ip[:]...)
		return append(b, index, 0, 0, 0)
	}
	tests := map[string]struct{ in, want []byte }{
		"IPv6":            {info6("2001:db8::1", 3), info6("2001:db8::1", 0)},
		"IPv4 over IPv6":  {info6("::ffff:192.0.2.1", 3), info6("::ffff:192.0.2.1", 0)},
		"link-local":      {info6("fe80::1", 3), info6("fe80::1", 3)},
		"none":            {nil, []byte{}},
		"cut short":       {info6("2001:db8::1", 3)[:30], []byte{}},
		"something else":  {[]byte{20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0}, []byte{}},
		"header, no data": {info6("::1", 1)[:16], []byte{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n, _, _ := answerFrom(tt.in)
			require.Equal(t, tt.want, append([]byte{}, tt.in[:n]...))
		})
	}
}

// Packets to neighbors that do not exist wait in the send buffer until the kernel gives up.
// When the buffer is full, the answer is lost, and no other client waits.
func TestAWriterNeverWaits(t *testing.T) {
	inNetwork(t, "addr add 192.0.2.1/24 dev test0", "link set test0 up", "link set test1 up")
	sockets := listen(t, "192.0.2.1")
	full := 0
	for n := range 3000 {
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(2 + n%250)}), 623)
		if err := sockets.send(&address{socket: sockets.all[0], peer: to}, make([]byte, 64)); err != nil {
			require.ErrorIs(t, err, unix.EAGAIN)
			full++
		}
	}
	require.NotZero(t, full, "the buffer was never full: the test shows nothing")
}
