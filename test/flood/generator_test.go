//go:build e2e

package flood

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// A tally is what a generator did.
type tally struct {
	sent          int
	opened, keyed int64 // answers that came: Open Session Responses, RAKP Messages 2
}

const sources = 250 // addresses, with a socket each

// dial opens sockets at addresses of the loopback network that are not those of clients.
func dial(t *testing.T, network byte, to netip.AddrPort) (all []*net.UDPConn) {
	for i := range sources {
		from := &net.UDPAddr{IP: net.IPv4(127, 0, network, byte(i+1))}
		c, err := net.DialUDP("udp4", from, net.UDPAddrFromAddrPort(to))
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
	}
	return all
}

// paced calls send at a rate a second until ctx ends, in lumps of a millisecond, and makes up for what it missed.
func paced(ctx context.Context, rate float64, send func(i int)) (sent int) {
	begin := time.Now()
	for tick := time.Tick(time.Millisecond); ctx.Err() == nil; <-tick {
		for due := int(time.Since(begin).Seconds() * rate); sent < due; sent++ {
			send(sent)
		}
	}
	return sent
}

// attempts opens sessions and leaves them half open. Every answer is taken for a RAKP Message 1, of which the source is
// no forgery, so that both kinds of half-open sessions are attacked.
func attempts(t *testing.T, ctx context.Context, to netip.AddrPort, rate float64) tally {
	conns := dial(t, 1, to)
	var opened, keyed atomic.Int64
	for _, c := range conns {
		attacker := console.New(t, 17)
		go func() {
			b := make([]byte, 128)
			for {
				n, err := c.Read(b)
				switch {
				case err != nil:
					return
				case n == 52 && b[5] == 0x11: // Open Session Response
					opened.Add(1)
					attacker.ReadOpen(b[:n])
					_, _ = c.Write(attacker.RAKP1())
				case b[5] == 0x13: // RAKP Message 2
					keyed.Add(1)
				}
			}
		}()
	}
	open := console.New(t, 17).Open()
	sent := paced(ctx, rate, func(i int) { _, _ = conns[i%sources].Write(open) })
	return tally{sent, opened.Load(), keyed.Load()}
}

// rubbish sends datagrams of every kind that is no request: noise, headers with noise, packets in sessions that are
// not there, messages of key exchanges that are not there, and answers.
func rubbish(t *testing.T, ctx context.Context, to netip.AddrPort, rate float64) tally {
	conns := dial(t, 2, to)
	noise := make([]byte, 256)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	c := console.New(t, 17)
	c.SIDc, c.K1, c.K2 = 0x01020304, noise[:32], noise[:32]
	kinds := [][]byte{
		noise[:100],
		append([]byte{6, 0, 0xFF, 7}, noise...),
		c.Packet(console.Request(0, 1, 0)),
		c.RAKP1(),
		console.Datagram(0x14, 0, 0, make([]byte, 40)),
		console.Datagram(0x11, 0, 0, make([]byte, 36)),
		{6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x40, 0, 0, 16, 0, 0, 0x11, 0xBE, 0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0},
		{6, 0, 0xFF, 0x87},
	}
	return tally{sent: paced(ctx, rate, func(i int) { _, _ = conns[i%sources].Write(kinds[i%len(kinds)]) })}
}
