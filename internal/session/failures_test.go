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

// failing has the ways in which a login fails after RAKP Message 2.
var failing = map[string]func(r *rig, c *console.Console){
	"a wrong password": func(r *rig, c *console.Console) {
		r.send(c, messages["RAKP3-wrong"](c))
	},
	"a client that notices in RAKP 2 that its password is wrong": func(r *rig, c *console.Console) {
		r.send(c, messages["RAKP3-refusing"](c))
	},
	"another RAKP 1 for the same session": func(r *rig, c *console.Console) {
		r.send(c, messages["RAKP1-changed"](c))
	},
}

// attemptOf begins a login up to RAKP Message 2, and reports whether there was one.
func attemptOf(r *rig, c *console.Console) bool {
	r.t.Helper()
	c.ReadOpen(r.send(c, c.Open()))
	answer := r.send(c, c.RAKP1())
	if outcome(answer) == rmcp.StatusInsufficientResources.String() {
		return false
	}
	c.LearnRAKP2(answer)
	return true
}

func TestFailedLoginsAreDelayed(t *testing.T) {
	for name, fail := range failing {
		for _, user := range []string{"admin", "nobody"} {
			t.Run(user+": "+name, func(t *testing.T) {
				r := newRig(t)
				guesser := client(t, user, "192.0.2.1:50000")
				for range maxFailures {
					require.True(t, attemptOf(r, guesser))
					fail(r, guesser)
				}
				require.False(t, attemptOf(r, guesser))
				require.Contains(t, r.log.String(), "too many failed logins")
				require.True(t, r.BacksOff(r.now))

				// Other users at the same address and the same user at other addresses can log in.
				for _, other := range []*console.Console{
					client(t, "oper", "192.0.2.1:50000"),
					client(t, "admin", "192.0.2.2:50000"),
					client(t, "admin", "[2001:db8::1]:50000"),
				} {
					other.Login(r.from(other))
				}

				r.now += failureLife
				require.True(t, attemptOf(r, guesser), "one more")
				fail(r, guesser)
				require.False(t, attemptOf(r, guesser))

				r.HalfOpen(r.now + halfOpenLife)
				r.now += halfOpenLife + maxFailures*failureLife
				require.False(t, r.BacksOff(r.now), "all failures have expired")
			})
		}
	}
}

// An attacker may collect the codes of RAKP Message 2, send nothing more, and guess the password elsewhere.
func TestCollectingCodesIsDelayed(t *testing.T) {
	r := newRig(t)
	c := client(t, "admin", "192.0.2.1:50000")
	for range maxFailures {
		require.True(t, attemptOf(r, c))
	}
	r.now += halfOpenLife
	require.False(t, attemptOf(r, c))
	for range 2 * maxKeyed {
		r.now += failureLife
		attemptOf(r, c)
	}
	require.LessOrEqual(t, r.failures.until[origin{Source(c.Peer), "admin"}], r.now+maxFailures*failureLife)
}

// Many clients of one user behind one address may log in at once. A login removes the failures of key exchanges whose
// packets were lost.
func TestManyClientsOfOneUserBehindOneAddress(t *testing.T) {
	r := newRig(t)
	for range 10 {
		var all []*console.Console
		for range MaxActive {
			c := client(t, "admin", "192.0.2.1:50000")
			require.True(t, attemptOf(r, c))
			all = append(all, c)
		}
		for i, c := range all {
			if i < maxFailures-1 {
				continue // lost
			}
			c.Password = "correct horse"
			c.ReadRAKP2(r.send(c, c.RAKP1()))
			c.ReadRAKP4(r.send(c, c.RAKP3()))
			require.NoError(t, r.End(r.Find(c.SIDc, r.now), r.now))
		}
		r.now += halfOpenLife
	}
}

// The BMC asks after every datagram whether logins back off. The answer takes as long with many failures as with none.
func TestBackOffCostsNothingPerDatagram(t *testing.T) {
	r := newRig(t)
	cost := func() time.Duration {
		best := time.Hour
		for range 5 {
			begin := time.Now()
			for range 10_000 {
				r.BacksOff(r.now)
			}
			best = min(best, time.Since(begin))
		}
		return best
	}
	require.False(t, r.BacksOff(r.now))
	without := cost()
	for i := range maxOrigins {
		r.failures.add(origin{name: fmt.Sprint(i)}, r.now)
	}
	require.True(t, r.BacksOff(r.now))
	require.Less(t, cost(), 50*without)
	require.False(t, r.BacksOff(r.now+failureLife))
}

// The back-off ends with the last failure of any client, and with a login of the only one that has failed.
func TestBackOffEnds(t *testing.T) {
	r := newRig(t)
	admin, oper := client(t, "admin", "192.0.2.1:50000"), client(t, "oper", "192.0.2.1:50000")
	fail := func(c *console.Console) {
		require.True(t, attemptOf(r, c))
		r.send(c, messages["RAKP3-wrong"](c))
	}
	fail(admin)
	r.now += failureLife / 2
	fail(oper)
	admin.Login(r.from(admin))
	require.True(t, r.BacksOff(r.now+failureLife-1), "oper has not logged in")
	require.False(t, r.BacksOff(r.now+failureLife))
	oper.Login(r.from(oper))
	require.False(t, r.BacksOff(r.now))
}

// The number of origins is limited. A new origin is not delayed when the limit is reached.
func TestFailuresOfManySources(t *testing.T) {
	f := failures{until: make(map[origin]time.Duration)}
	for i := range 3 * maxOrigins {
		a := origin{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), fmt.Sprint(i)}
		require.False(t, f.tooMany(a, time.Hour))
		f.add(a, time.Hour)
		require.LessOrEqual(t, len(f.until), maxOrigins)
	}
}
