package bmc

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A client that asked 127.0.0.2 drops an answer from 127.0.0.1, which is what a
// socket on a wildcard address sends by itself.
func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	tests := map[string]struct{ listen, ask string }{
		"IPv4":                 {"0.0.0.0", "127.0.0.2"},
		"IPv4 on an IPv6 port": {"::", "127.0.0.3"},
		"IPv6":                 {"::", "::1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, tt.listen)
			port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
			client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(tt.ask), port)))
			require.NoError(t, err)
			defer client.Close()
			_, err = client.Write([]byte("request"))
			require.NoError(t, err)

			var d datagram
			whole, err := d.read(conn)
			require.NoError(t, err)
			require.True(t, whole)
			require.Equal(t, "request", string(d.b[:d.n]))
			require.Equal(t, client.RemoteAddr().String(), d.from.local.String())
			require.Equal(t, client.LocalAddr().String(), d.from.peer.String(), "unmapped")
			require.NoError(t, d.from.write([]byte("answer")))

			require.NoError(t, client.SetReadDeadline(time.Now().Add(5*time.Second)))
			answer := make([]byte, 16)
			n, err := client.Read(answer)
			require.NoError(t, err)
			require.Equal(t, "answer", string(answer[:n]))
		})
	}
}

func TestADatagramThatIsTooLongIsNotWhole(t *testing.T) {
	conn := listen(t, "127.0.0.1")
	client, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
	require.NoError(t, err)
	defer client.Close()
	for size, want := range map[int]bool{maxDatagram: true, maxDatagram + 1: false} {
		_, err = client.Write(make([]byte, size))
		require.NoError(t, err)
		var d datagram
		whole, err := d.read(conn)
		require.NoError(t, err)
		require.Equal(t, want, whole, size)
	}
}

// listen opens a socket as systemd does with PassPacketInfo=yes.
func listen(t *testing.T, addr string) *Socket {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	raw, err := conn.SyscallConn()
	require.NoError(t, err)
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if netip.MustParseAddr(addr).Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	require.NoError(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, 1) }))
	require.NoError(t, err)
	socket, err := NewSocket(conn)
	require.NoError(t, err)
	return socket
}

// Which interface an answer takes is for the route to say; only a link-local
// address means nothing without its interface.
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
			n, _ := answerFrom(tt.in)
			require.Equal(t, tt.want, append([]byte{}, tt.in[:n]...))
		})
	}
}

// Packets to neighbours that are not there wait in the send buffer until the kernel
// gives them up. When it is full the answer is lost, and nobody's time.
func TestAWriterNeverWaits(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	runtime.LockOSThread() // for good: the thread ends with the test
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET))
	for _, line := range []string{"link add test0 type veth peer name test1", "addr add 192.0.2.1/24 dev test0", "link set test0 up", "link set test1 up"} {
		out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput()
		require.NoError(t, err, "ip %s: %s", line, out)
	}
	conn := listen(t, "192.0.2.1")
	full := 0
	for n := range 3000 {
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(2 + n%250)}), 623)
		if _, _, err := conn.WriteMsgUDPAddrPort(make([]byte, 64), nil, to); err != nil {
			require.ErrorIs(t, err, unix.EAGAIN)
			full++
		}
	}
	require.NotZero(t, full, "the buffer was never full: the test shows nothing")
}
