package lan

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// The test is the third second of a flood, with a client that sends ten packets. The first
// two seconds empty the buckets.
func TestLimits(t *testing.T) {
	const client = "192.0.2.1:50000"
	spread := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 623)
	}
	one := func(peer string) func(int) netip.AddrPort {
		return func(int) netip.AddrPort { return netip.MustParseAddrPort(peer) }
	}
	for name, tt := range map[string]struct {
		rate   int // of the flood, a second
		from   func(i int) netip.AddrPort
		flood  [2]int // answered: at least, at most
		client int
	}{
		"no flood":                             {0, one(client), [2]int{0, 0}, 10},
		"10,000 consoles behind one address":   {10_000, one(client), [2]int{10_000, 10_000}, 10},
		"10,000 that claim to be the client":   {10_000, one("192.0.2.1:1"), [2]int{10_000, 10_000}, 10},
		"10,000 from everywhere":               {10_000, spread, [2]int{10_000, 10_000}, 10},
		"100,000 from one address":             {100_000, one("198.51.100.1:1"), [2]int{19_000, 20_000}, 10},
		"100,000 from a network of IPv6":       {100_000, one("[2001:db8::1]:1"), [2]int{19_000, 20_000}, 10},
		"50,000 from a hundred addresses":      {50_000, func(i int) netip.AddrPort { return spread(i % 100) }, [2]int{19_000, 20_000}, 10},
		"18,000 from everywhere":               {18_000, spread, [2]int{18_000, 18_000}, 10},
		"30,000 from everywhere, not promised": {30_000, spread, [2]int{19_900, 20_100}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLimits()
			var flood, mine int
			for second := range 3 {
				flood, mine = 0, 0
				for i := range max(10, tt.rate) {
					now := time.Hour + time.Duration(second)*time.Second + time.Duration(i)*time.Second/time.Duration(max(10, tt.rate))
					if tt.rate > 0 && l.allow(tt.from(i), now) {
						flood++
					}
					if i%max(1, tt.rate/10) == 0 && l.allow(netip.MustParseAddrPort(client), now) {
						mine++
					}
				}
			}
			require.GreaterOrEqual(t, flood, tt.flood[0])
			require.LessOrEqual(t, flood, tt.flood[1])
			require.GreaterOrEqual(t, mine, tt.client)
		})
	}
}

// Neither a flood with the client's own address and port as its source nor a flood of garbage
// locks the client out. The limits end with the flood.
func TestALoginInAForgedFlood(t *testing.T) {
	in(t, func(r *rig) {
		forged := console.New(t, 3).Open()
		flood := func() {
			for range 200 {
				r.one(forged)
				require.Empty(t, r.send([]byte("garbage")))
				time.Sleep(100 * time.Microsecond)
			}
		}
		c := console.New(t, 17)
		flood()
		c.ReadOpen(r.one(c.Open()))
		flood()
		c.ReadRAKP2(r.one(c.RAKP1()))
		flood()
		c.ReadRAKP4(r.one(c.RAKP3()))
		flood()
		require.Equal(t, "00 04", r.ask(c, 0x06, 0x3B, 0, 4))

		answered := 0
		for range 2 * answersASecond {
			answered += len(r.send(forged))
		}
		require.Less(t, answered, answersASecond, "all at once: this is too much")
		require.Equal(t, "00 04", r.ask(c, 0x06, 0x3B, 1, 4), "a session is not concerned")
		time.Sleep(time.Second)
		require.Len(t, r.send(forged), 1)
	})
}

// Answers outside a session are shorter than two and a half times their request, and another
// BMC does not answer them.
func TestAnswersOutsideASessionDoNotAmplify(t *testing.T) {
	in(t, func(r *rig) {
		measure := func(name string, request []byte) []byte {
			answer := r.one(request)
			require.Less(t, float64(len(answer)), 2.5*float64(len(request)), name)
			require.Empty(t, r.send(answer), name)
			return answer
		}
		for name, request := range map[string][]byte{
			"ping":              unhex(t, pingVector),
			"auth capabilities": unhex(t, authCapabilities),
			"the same, RMCP+":   outside(6, 0x38, 0x8E, 4),
			"the same, cut":     outside(0, 0x38),
			"cipher suites":     unhex(t, cipherSuites),
			"the same, 1.5":     outside(0, 0x54, 0x0E, 0x00, 0x80),
			"system GUID":       outside(6, 0x37),
			"the same, 1.5 too": outside(0, 0x37),
			"challenge":         outside(0, 0x39),
		} {
			measure(name, request)
		}
		for _, suite := range []byte{3, 17} {
			c := console.New(t, suite)
			c.ReadOpen(measure("Open", c.Open()))
			refused := c.Open()
			refused[28] = 0x3F // the authentication algorithm
			measure("Open, refused", refused)

			name := c.Name
			c.Name = ""
			c.LearnRAKP2(measure("RAKP 1 without a name", c.RAKP1()))
			c.Name = name
			c.ReadRAKP2(measure("RAKP 1", c.RAKP1()))
			c.ReadRAKP4(measure("RAKP 3", c.RAKP3()))

			c.ReadOpen(r.one(c.Open()))
			c.Role = 0
			measure("RAKP 1, refused", c.RAKP1())
		}
	})
}

// outside is a request of the application network function outside a session.
func outside(authType, cmd byte, data ...byte) []byte {
	message := console.Request(app, cmd, 0, data...)
	if authType == 0 {
		return append([]byte{6, 0, 0xFF, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(message))}, message...)
	}
	return console.Datagram(0, 0, 0, []byte(message))
}
