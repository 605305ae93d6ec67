package session

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// flood sends that many Open Session Requests, each from another forged source.
func flood(m *machine, n int) {
	m.t.Helper()
	forged := console.New(m.t, 3)
	b := forged.Open()
	for i := range n {
		forged.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 623)
		require.NotNil(m.t, m.send(forged, b))
	}
}

// 10,000 requests a second leave a console 0.4 s for each of its messages, even if
// they come, as far as anybody can tell, from itself.
func TestALoginInAFloodOfOpenSessionRequests(t *testing.T) {
	m, c := newMachine(t), console.New(t, 17)
	flood(m, 2*maxOpened)
	c.ReadOpen(m.send(c, c.Open()))
	flood(m, maxOpened-1)
	c.ReadRAKP2(m.send(c, c.RAKP1()))
	flood(m, 3*maxOpened)
	c.ReadRAKP4(m.send(c, c.RAKP3()))
	flood(m, 3*maxOpened)
	m.requireEcho(c, "hello")
	require.LessOrEqual(t, len(m.byID), maxOpened+1)
	require.Len(t, m.read(), 2*recordLen, "what proves nothing leaves no trace")
}

func TestTheOldestThatDidNotGoOnGivesWay(t *testing.T) {
	m, c := newMachine(t), console.New(t, 17)
	c.ReadOpen(m.send(c, c.Open()))
	flood(m, maxOpened)
	require.Nil(t, m.send(c, c.RAKP1()))
	require.Contains(t, m.log.String(), "too many sessions are half open")
}

// halfway brings a console as far as RAKP Message 2.
func halfway(m *machine, peer string) *console.Console {
	m.t.Helper()
	m.now += time.Millisecond
	c := console.New(m.t, 17)
	c.Peer = netip.MustParseAddrPort(peer)
	c.ReadOpen(m.send(c, c.Open()))
	c.LearnRAKP2(m.send(c, c.RAKP1()))
	return c
}

// One source, which is a whole network of IPv6, may have all there is, but when
// others come it is the one that loses.
func TestTheSourceWithTheMostKeyExchangesGivesWay(t *testing.T) {
	for name, format := range map[string]string{"IPv4": "192.0.2.1:%d", "IPv6": "[2001:db8::%x]:623"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			other := halfway(m, "198.51.100.1:623")
			var all []*console.Console
			for i := range maxKeyed {
				all = append(all, halfway(m, fmt.Sprintf(format, i+1)))
			}
			for range 3 {
				halfway(m, "203.0.113.1:623")
			}
			other.ReadRAKP4(m.send(other, other.RAKP3()))
			for i, c := range all {
				require.Equal(t, i < 4, m.send(c, c.RAKP3()) == nil, "%d: the oldest four", i)
			}
		})
	}
}

// Those who have many addresses have one key exchange of each at a time, under
// another name each; but they leave failures behind.
func TestManySourcesThatFailGiveWay(t *testing.T) {
	m := newMachine(t)
	attack := func(n int) {
		for i := range n {
			c := console.New(t, 17)
			c.Name = fmt.Sprintf("user%d", i)
			c.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 250)}), 623)
			m.now += 100 * time.Microsecond
			c.ReadOpen(m.send(c, c.Open()))
			c.LearnRAKP2(m.send(c, c.RAKP1()))
		}
	}
	attack(500)
	c := halfway(m, "198.51.100.1:623")
	attack(10 * maxKeyed)
	c.ReadRAKP4(m.send(c, c.RAKP3()))
}

// A key exchange stays where it began: an ID proves that its source is no forgery
// only there. Behind it may be any port, and of IPv6 any address of the network.
func TestAKeyExchangeStaysWhereItBegan(t *testing.T) {
	const v4, v6 = "192.0.2.1:623", "[2001:db8::1]:623"
	for name, tt := range map[string]struct {
		begin, other string
		goesOn       bool
	}{
		"another port":                 {v4, "192.0.2.1:624", true},
		"another address":              {v4, "192.0.2.2:623", false},
		"another address, IPv6":        {v6, "[2001:db8::2]:623", true},
		"another network, IPv6":        {v6, "[2001:db8:1::1]:623", false},
		"another interface, IPv6":      {"[fe80::1%eth0]:623", "[fe80::1%eth1]:623", true},
		"an address of another family": {v4, v6, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, c := newMachine(t), console.New(t, 17)
			c.Peer = netip.MustParseAddrPort(tt.begin)
			c.ReadOpen(m.send(c, c.Open()))
			elsewhere := *c
			elsewhere.Peer = netip.MustParseAddrPort(tt.other)
			require.Equal(t, tt.goesOn, m.send(&elsewhere, c.RAKP1()) != nil)

			c.ReadRAKP2(m.send(c, c.RAKP1()))
			require.Equal(t, tt.goesOn, m.send(&elsewhere, c.RAKP3()) != nil)
			c.ReadRAKP4(m.send(c, c.RAKP3()))
			m.requireEcho(c, "hello")
		})
	}
}
