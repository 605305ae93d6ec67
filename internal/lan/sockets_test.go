package lan

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A flood at one address does not delay clients of another address.
func TestSocketsTakeTurns(t *testing.T) {
	s := listen(t, "127.0.0.1", "::1")
	for range 3 {
		for _, to := range s.all {
			_, err := dial(t, to).Write([]byte("request"))
			require.NoError(t, err)
		}
	}
	var asked []*Socket
	for range 6 {
		d, answerable := next(t, s)
		require.True(t, answerable)
		asked = append(asked, d.from.socket)
	}
	one, other := asked[0], asked[1]
	require.NotEqual(t, one.local, other.local)
	require.Equal(t, []*Socket{one, other, one, other, one, other}, asked)
}

// A wake ends one wait, whether it comes before or during the wait.
func TestWake(t *testing.T) {
	const short = 10 * time.Millisecond
	s := listen(t, "127.0.0.1")
	d := new(datagram)
	s.wake()
	s.wake()
	received, err := s.receive(d, time.Hour)
	require.NoError(t, err)
	require.False(t, received)

	begun := time.Now()
	received, err = s.receive(d, short)
	require.NoError(t, err)
	require.False(t, received)
	require.GreaterOrEqual(t, time.Since(begun), short)

	time.AfterFunc(short, s.wake)
	received, err = s.receive(d, time.Hour)
	require.NoError(t, err)
	require.False(t, received)

	s.wake()
	_, err = dial(t, s.all[0]).Write([]byte("request"))
	require.NoError(t, err)
	_, received = next(t, s)
	require.True(t, received)
	received, err = s.receive(d, time.Hour)
	require.NoError(t, err)
	require.False(t, received)
}

func TestDiscardWithoutASocket(t *testing.T) {
	s, err := NewSockets()
	require.NoError(t, err)
	begun := time.Now()
	s.Discard(time.Hour)
	require.Less(t, time.Since(begun), time.Minute)
}

func TestDiscard(t *testing.T) {
	s := listen(t, "127.0.0.1")
	client := dial(t, s.all[0])
	for range 100 {
		_, err := client.Write([]byte("request"))
		require.NoError(t, err)
	}
	s.Discard(10 * time.Millisecond)
	received, err := s.receive(new(datagram), 0)
	require.NoError(t, err)
	require.False(t, received)
}

// After a restart, output goes to the client from the address that it has asked.
func TestWayFromAnAddress(t *testing.T) {
	for _, addr := range []string{"127.0.0.1", "::1"} {
		sockets := listen(t, addr)
		client := dial(t, sockets.all[0])
		local := netip.AddrPortFrom(netip.MustParseAddr(addr), sockets.all[0].local.Port())
		peer := client.LocalAddr().(*net.UDPAddr).AddrPort()
		for _, from := range []netip.AddrPort{local, {}, netip.MustParseAddrPort("[::]:0")} {
			way := sockets.way(peer, from)
			require.Equal(t, from == local, way.used > 0)
			require.NoError(t, sockets.send(&way, []byte("output")))
			b := make([]byte, 100)
			n, err := client.Read(b)
			require.NoError(t, err)
			require.Equal(t, "output", string(b[:n]))
		}
	}
}
