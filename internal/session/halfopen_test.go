package session

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// flood sends n Open Session Requests, each from another forged source.
func flood(r *rig, n int) {
	r.t.Helper()
	forged := console.New(r.t, 3)
	b := forged.Open()
	for i := range n {
		forged.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 623)
		require.NotNil(r.t, r.send(forged, b))
	}
}

// During a flood of 10,000 requests per second a client has 0.4 s for each of its messages.
func TestLoginDuringFloodOfOpenSessionRequests(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	flood(r, 2*maxOpened)
	c.ReadOpen(r.send(c, c.Open()))
	flood(r, maxOpened-1)
	c.ReadRAKP2(r.send(c, c.RAKP1()))
	flood(r, 3*maxOpened)
	c.ReadRAKP4(r.send(c, c.RAKP3()))
	flood(r, 3*maxOpened)
	r.requireEcho(c, "hello")
	require.LessOrEqual(t, len(r.byID), maxOpened+1)
	require.Len(t, r.read(), 2*recordLen, "an Open Session Request is not saved")
}

func TestOldestOpenedSessionIsDropped(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	c.ReadOpen(r.send(c, c.Open()))
	flood(r, maxOpened)
	require.Nil(t, r.send(c, c.RAKP1()))
	require.Contains(t, r.log.String(), "too many sessions are half open")
}

// halfway begins a login up to RAKP Message 2.
func halfway(r *rig, peer string) *console.Console {
	r.t.Helper()
	r.now += time.Millisecond
	c := console.New(r.t, 17)
	c.Peer = netip.MustParseAddrPort(peer)
	c.ReadOpen(r.send(c, c.Open()))
	c.LearnRAKP2(r.send(c, c.RAKP1()))
	return c
}

// One source may have all key exchanges. When other sources come, the oldest key exchanges of that source are dropped. An
// IPv6 network is one source.
func TestSourceWithMostKeyExchangesLosesOne(t *testing.T) {
	for name, format := range map[string]string{"IPv4": "192.0.2.1:%d", "IPv6": "[2001:db8::%x]:623"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			other := halfway(r, "198.51.100.1:623")
			var all []*console.Console
			for i := range maxKeyed {
				all = append(all, halfway(r, fmt.Sprintf(format, i+1)))
			}
			for range 3 {
				halfway(r, "203.0.113.1:623")
			}
			other.ReadRAKP4(r.send(other, other.RAKP3()))
			for i, c := range all {
				require.Equal(t, i < 4, r.send(c, c.RAKP3()) == nil, "%d: the oldest four", i)
			}
		})
	}
}

// An attacker with many addresses has one key exchange at a time of each address, each with another name. The failures that
// these leave behind count, too.
func TestFailuresCountAgainstASource(t *testing.T) {
	r := newRig(t)
	attack := func(n int) {
		for i := range n {
			c := console.New(t, 17)
			c.Name = fmt.Sprintf("user%d", i)
			c.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 250)}), 623)
			r.now += 100 * time.Microsecond
			c.ReadOpen(r.send(c, c.Open()))
			c.LearnRAKP2(r.send(c, c.RAKP1()))
		}
	}
	attack(500)
	c := halfway(r, "198.51.100.1:623")
	attack(10 * maxKeyed)
	c.ReadRAKP4(r.send(c, c.RAKP3()))
}

// All messages of a key exchange come from one source, because the session ID was sent only there. The port may differ, and
// for IPv6 the address within the network.
func TestKeyExchangeStaysAtItsSource(t *testing.T) {
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
			r, c := newRig(t), console.New(t, 17)
			c.Peer = netip.MustParseAddrPort(tt.begin)
			c.ReadOpen(r.send(c, c.Open()))
			elsewhere := *c
			elsewhere.Peer = netip.MustParseAddrPort(tt.other)
			require.Equal(t, tt.goesOn, r.send(&elsewhere, c.RAKP1()) != nil)

			c.ReadRAKP2(r.send(c, c.RAKP1()))
			require.Equal(t, tt.goesOn, r.send(&elsewhere, c.RAKP3()) != nil)
			c.ReadRAKP4(r.send(c, c.RAKP3()))
			r.requireEcho(c, "hello")
		})
	}
}
