package session

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// client returns a client with the name and the password of that user, at that address.
func client(t *testing.T, name, peer string) *console.Console {
	c := console.New(t, 17)
	c.Name, c.Peer = name, netip.MustParseAddrPort(peer)
	if name == "oper" {
		c.Password, c.Role = "battery staple", 0x13
	}
	return c
}

// failing are the ways in which a key exchange comes to nothing.
var failing = map[string]func(m *machine, c *console.Console){
	"a wrong password": func(m *machine, c *console.Console) {
		m.send(c, messages["RAKP3-wrong"](c))
	},
	"a console that sees in RAKP 2 that its password is wrong": func(m *machine, c *console.Console) {
		m.send(c, messages["RAKP3-refusing"](c))
	},
	"another RAKP 1 for the same session": func(m *machine, c *console.Console) {
		m.send(c, messages["RAKP1-changed"](c))
	},
}

// attemptOf goes as far as RAKP 2, and tells whether there was one.
func attemptOf(m *machine, c *console.Console) bool {
	m.t.Helper()
	c.ReadOpen(m.send(c, c.Open()))
	answer := m.send(c, c.RAKP1())
	if outcome(answer) == rmcp.StatusInsufficientResources.String() {
		return false
	}
	c.LearnRAKP2(answer)
	return true
}

func TestWhoFailsTooOftenMustWait(t *testing.T) {
	for name, fail := range failing {
		for _, user := range []string{"admin", "nobody"} {
			t.Run(user+": "+name, func(t *testing.T) {
				m := newMachine(t)
				guesser := client(t, user, "192.0.2.1:50000")
				for range maxFailures {
					require.True(t, attemptOf(m, guesser))
					fail(m, guesser)
				}
				require.False(t, attemptOf(m, guesser))
				require.Contains(t, m.log.String(), "too many failed logins")
				require.True(t, m.BacksOff(m.now))

				// Nobody else is kept out: no other user there, and the user nowhere else.
				for _, other := range []*console.Console{
					client(t, "oper", "192.0.2.1:50000"),
					client(t, "admin", "192.0.2.2:50000"),
					client(t, "admin", "[2001:db8::1]:50000"),
				} {
					other.Login(m.from(other))
				}

				m.now += failureLife
				require.True(t, attemptOf(m, guesser), "one more")
				fail(m, guesser)
				require.False(t, attemptOf(m, guesser))

				m.HalfOpen(m.now + halfOpenLife)
				m.now += halfOpenLife + maxFailures*failureLife
				require.False(t, m.BacksOff(m.now), "all is forgotten")
			})
		}
	}
}

// Who has the code of RAKP Message 2 can guess the password elsewhere, and is silent.
func TestWhoCollectsCodesMustWait(t *testing.T) {
	m := newMachine(t)
	c := client(t, "admin", "192.0.2.1:50000")
	for range maxFailures {
		require.True(t, attemptOf(m, c))
	}
	m.now += halfOpenLife
	require.False(t, attemptOf(m, c))
	for range 2 * maxKeyed {
		m.now += failureLife
		attemptOf(m, c)
	}
	require.LessOrEqual(t, m.failures.until[origin{Source(c.Peer), "admin"}], m.now+maxFailures*failureLife)
}

// Many consoles behind one address may be in the middle of it at once, and a
// login makes up for attempts whose packets were lost.
func TestManyConsolesOfOneUserBehindOneAddress(t *testing.T) {
	m := newMachine(t)
	for range 10 {
		var all []*console.Console
		for range MaxActive {
			c := client(t, "admin", "192.0.2.1:50000")
			require.True(t, attemptOf(m, c))
			all = append(all, c)
		}
		for i, c := range all {
			if i < maxFailures-1 {
				continue // lost
			}
			c.Password = "correct horse"
			c.ReadRAKP2(m.send(c, c.RAKP1()))
			c.ReadRAKP4(m.send(c, c.RAKP3()))
			require.NoError(t, m.End(m.Find(c.SIDc, m.now), m.now))
		}
		m.now += halfOpenLife
	}
}

// The BMC asks after every datagram whether logins back off. The answer takes as long with many failures as with none.
func TestBackOffCostsNothingPerDatagram(t *testing.T) {
	m := newMachine(t)
	cost := func() time.Duration {
		best := time.Hour
		for range 5 {
			begin := time.Now()
			for range 10_000 {
				m.BacksOff(m.now)
			}
			best = min(best, time.Since(begin))
		}
		return best
	}
	require.False(t, m.BacksOff(m.now))
	without := cost()
	for i := range maxOrigins {
		m.failures.add(origin{name: fmt.Sprint(i)}, m.now)
	}
	require.True(t, m.BacksOff(m.now))
	require.Less(t, cost(), 50*without)
	require.False(t, m.BacksOff(m.now+failureLife))
}

// The back-off ends with the last failure of any client, and with a login of the only one that has failed.
func TestBackOffEnds(t *testing.T) {
	m := newMachine(t)
	admin, oper := client(t, "admin", "192.0.2.1:50000"), client(t, "oper", "192.0.2.1:50000")
	fail := func(c *console.Console) {
		require.True(t, attemptOf(m, c))
		m.send(c, messages["RAKP3-wrong"](c))
	}
	fail(admin)
	m.now += failureLife / 2
	fail(oper)
	admin.Login(m.from(admin))
	require.True(t, m.BacksOff(m.now+failureLife-1), "oper has not logged in")
	require.False(t, m.BacksOff(m.now+failureLife))
	oper.Login(m.from(oper))
	require.False(t, m.BacksOff(m.now))
}

// What is remembered has a limit, and who comes when it is reached is not kept out.
func TestFailuresOfManySources(t *testing.T) {
	f := failures{until: make(map[origin]time.Duration)}
	for i := range 3 * maxOrigins {
		a := origin{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), fmt.Sprint(i)}
		require.False(t, f.tooMany(a, time.Hour))
		f.add(a, time.Hour)
		require.LessOrEqual(t, len(f.until), maxOrigins)
	}
}
