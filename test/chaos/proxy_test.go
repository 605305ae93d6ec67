//go:build e2e

package chaos

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Rates say how often something happens to a datagram: 0 is never, 1 always.
type rates struct {
	drop, duplicate, corrupt, jitter, late float64
	// sessions tells that it happens only to datagrams of sessions: logins succeed.
	sessions bool
}

// A datagram is delayed by less than that. One that is late comes after its repetition, with most clients.
const (
	jitter = 100 * time.Millisecond
	late   = 1500 * time.Millisecond
)

// Where the payload type of a datagram is, and its bits in a session: encrypted, authenticated (IPMI 2.0 §13.6).
const (
	payloadType = 5
	sealed      = 0xC0
)

// A direction of the network decides what becomes of each datagram that goes that way, and counts.
type direction struct {
	rates
	random *rand.Rand
	counts
}

// Counts are of datagrams.
type counts struct{ sent, inSession, dropped, duplicated, corrupted, overtaken atomic.Int64 }

func (c *counts) add(o *counts) {
	c.sent.Add(o.sent.Load())
	c.inSession.Add(o.inSession.Load())
	c.dropped.Add(o.dropped.Load())
	c.duplicated.Add(o.duplicated.Load())
	c.corrupted.Add(o.corrupted.Load())
	c.overtaken.Add(o.overtaken.Load())
}

func (c *counts) String() string {
	return fmt.Sprintf("%d datagrams, %d of them in sessions; %d dropped, %d duplicated, %d corrupted, %d overtaken",
		c.sent.Load(), c.inSession.Load(), c.dropped.Load(), c.duplicated.Load(), c.corrupted.Load(), c.overtaken.Load())
}

// A fate is what becomes of a datagram.
type fate struct {
	delays  []time.Duration // of each copy
	corrupt uint64          // where; 0: not
	mask    byte            // how
}

// next decides. It draws the same numbers each time, so that the fate of one datagram does not depend on the next.
func (d *direction) next() (f fate) {
	chance := func(rate float64) bool { return d.random.Float64() < rate }
	dropped, duplicated, corrupted := chance(d.drop), chance(d.duplicate), chance(d.corrupt)
	f.corrupt, f.mask = d.random.Uint64()|1, byte(1+d.random.IntN(255))
	if !corrupted {
		f.corrupt = 0
	}
	for range 2 {
		delay, jitters, isLate := d.random.Float64(), chance(d.jitter), chance(d.late)
		switch {
		case isLate:
			f.delays = append(f.delays, time.Duration(delay*float64(late)))
		case jitters:
			f.delays = append(f.delays, time.Duration(delay*float64(jitter)))
		default:
			f.delays = append(f.delays, 0)
		}
	}
	switch {
	case dropped:
		f.delays, f.corrupt = nil, 0
	case !duplicated:
		f.delays = f.delays[:1]
	}
	return f
}

// A proxy is the bad network between a client and a BMC.
type proxy struct {
	front, back *net.UDPConn
	client      atomic.Pointer[netip.AddrPort] // address of the last sender
	relays      sync.WaitGroup
	underWay    sync.WaitGroup
}

// newProxy makes a proxy that listens at an address and sends to a BMC.
func newProxy(t *testing.T, at, bmc *net.UDPAddr, requests, answers *direction) *proxy {
	p := new(proxy)
	var err error
	p.front, err = net.ListenUDP("udp", at)
	require.NoError(t, err)
	p.back, err = net.DialUDP("udp", nil, bmc)
	require.NoError(t, err)
	p.relays.Go(func() {
		p.relay(requests, func(b []byte) (int, error) {
			n, from, err := p.front.ReadFromUDPAddrPort(b)
			p.client.Store(&from)
			return n, err
		}, p.back.Write)
	})
	p.relays.Go(func() {
		p.relay(answers, p.back.Read, func(b []byte) (int, error) { return p.front.WriteToUDPAddrPort(b, *p.client.Load()) })
	})
	return p
}

func (p *proxy) port() int { return p.front.LocalAddr().(*net.UDPAddr).Port }

func (p *proxy) relay(d *direction, read, write func([]byte) (int, error)) {
	var latest atomic.Int64
	buffer := make([]byte, 2048)
	for {
		n, err := read(buffer)
		if err != nil {
			return
		}
		number, datagram, f := d.sent.Add(1), slices.Clone(buffer[:n]), d.next()
		if n > payloadType && datagram[payloadType]&sealed == sealed {
			d.inSession.Add(1)
		} else if d.sessions {
			f = fate{delays: []time.Duration{0}}
		}
		if f.corrupt > 0 {
			datagram[f.corrupt%uint64(n)] ^= f.mask
			d.corrupted.Add(1)
		}
		d.dropped.Add(int64(max(0, 1-len(f.delays))))
		d.duplicated.Add(int64(max(0, len(f.delays)-1)))
		for _, delay := range f.delays {
			p.underWay.Go(func() {
				time.Sleep(delay)
				if number < latest.Load() {
					d.overtaken.Add(1)
				} else {
					latest.Store(number)
				}
				_, _ = write(datagram) // a client that has gone does not mind
			})
		}
	}
}

// close returns when nothing is under way any more.
func (p *proxy) close() {
	past := time.Now()
	_, _ = p.front.SetReadDeadline(past), p.back.SetReadDeadline(past)
	p.relays.Wait()
	p.underWay.Wait()
	_, _ = p.front.Close(), p.back.Close()
}

func TestProxy(t *testing.T) {
	const ping = "ping"
	for name, tt := range map[string]struct {
		rates
		copies, changed int
	}{
		"a good network":   {rates{}, 1, 0},
		"drop":             {rates{drop: 1}, 0, 0},
		"not in a session": {rates{drop: 1, sessions: true}, 1, 0},
		"duplicate":        {rates{duplicate: 1}, 2, 0},
		"corrupt":          {rates{corrupt: 1}, 1, 1},
		"all but drop":     {rates{duplicate: 1, corrupt: 1, jitter: 1, late: 1}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bmc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			require.NoError(t, err)
			defer bmc.Close()
			bad := &direction{rates: tt.rates, random: rand.New(rand.NewPCG(1, 1))}
			p := newProxy(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, bmc.LocalAddr().(*net.UDPAddr), bad, &direction{random: rand.New(rand.NewPCG(1, 1))})
			client, err := net.DialUDP("udp", nil, p.front.LocalAddr().(*net.UDPAddr))
			require.NoError(t, err)
			defer client.Close()
			_, err = client.Write([]byte(ping))
			require.NoError(t, err)
			require.Eventually(t, func() bool { return bad.sent.Load() == 1 }, time.Minute, time.Millisecond)
			p.close()

			b := make([]byte, 99)
			for range tt.copies {
				n, _, err := bmc.ReadFromUDPAddrPort(b)
				require.NoError(t, err)
				require.Equal(t, len(ping), n)
				changed := 0
				for i := range ping {
					changed += min(1, int(ping[i]^b[i]))
				}
				require.Equal(t, tt.changed, changed)
			}
			require.NoError(t, bmc.SetReadDeadline(time.Now().Add(time.Millisecond)))
			_, err = bmc.Read(b)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded, "one more")
		})
	}
}

func TestASeedDecidesWhatHappensHowOften(t *testing.T) {
	const n = 100_000
	fates := func(seed uint64) (all []fate) {
		d := direction{rates: rates{drop: 0.1, duplicate: 0.2, corrupt: 0.3, jitter: 0.4, late: 0.1}, random: rand.New(rand.NewPCG(seed, 0))}
		for range n {
			all = append(all, d.next())
		}
		return all
	}
	require.Equal(t, fates(1), fates(1))
	require.NotEqual(t, fates(1), fates(2))
	count := func(what func(f fate) bool) (share float64) {
		for _, f := range fates(1) {
			if what(f) {
				share += 1.0 / n
			}
		}
		return share
	}
	require.InDelta(t, 0.1, count(func(f fate) bool { return len(f.delays) == 0 }), 0.01)
	require.InDelta(t, 0.9*0.2, count(func(f fate) bool { return len(f.delays) == 2 }), 0.01)
	require.InDelta(t, 0.9*0.3, count(func(f fate) bool { return f.corrupt > 0 }), 0.01)
	require.InDelta(t, 0.9*0.1*14/15, count(func(f fate) bool { return len(f.delays) > 0 && f.delays[0] > jitter }), 0.01)
	require.InDelta(t, 0.9*0.9*0.6, count(func(f fate) bool { return len(f.delays) > 0 && f.delays[0] == 0 }), 0.01)
}
