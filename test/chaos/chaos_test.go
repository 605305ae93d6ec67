//go:build e2e

// Package chaos proves that an action runs once. Real clients ask the real program for power actions over a network that
// loses, duplicates, delays, reorders and corrupts datagrams; the process exits when idle in the middle of it all, and that
// of every second BMC is killed again and again. Scripts note that they run. What a client says in the end is compared
// with what ran: see call.fault, which is the whole point; then read Test.
//
// A seed decides what every BMC is asked, and what becomes of the n-th datagram to it and from it. When processes run and
// when they are killed, to the microsecond, it cannot decide: a failing seed is worth several runs. The package knows
// the names of the program's settings, and the place and the last line of an action's file.
package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seeds = flag.String("seeds", "", `seeds to run, like "1,2"; without any, those of the regular test and a random one`)
	bmcs  = flag.Int("bmcs", 40, "BMCs for each seed")
	long  = flag.Duration("for", 15*time.Second, "how long to make calls")
)

// networks are bad each in its own way, to the BMC and from it.
var networks = []struct{ requests, answers rates }{
	{
		requests: rates{drop: 0.05, duplicate: 0.1, corrupt: 0.05, jitter: 0.3, late: 0.05},
		answers:  rates{drop: 0.05, duplicate: 0.02, corrupt: 0.02, jitter: 0.3, late: 0.02},
	},
	{requests: rates{drop: 0.2, duplicate: 0.3, jitter: 0.3}},
	{answers: rates{drop: 0.35, duplicate: 0.02}},
	{requests: rates{duplicate: 0.5, late: 0.3}, answers: rates{corrupt: 0.05, late: 0.1}},
	{
		requests: rates{drop: 0.2, duplicate: 0.3, late: 0.2, sessions: true},
		answers:  rates{drop: 0.5, sessions: true},
	},
}

// TestMain has all BMCs run at once: for most of the time they wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "1000"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func Test(t *testing.T) {
	chosen := strings.Split(*seeds, ",")
	if *seeds == "" {
		chosen = []string{"1", strconv.FormatUint(rand.Uint64N(1_000_000), 10)}
	}
	var f figures
	t.Run("seeds", func(t *testing.T) {
		for _, text := range chosen {
			seed, err := strconv.ParseUint(text, 10, 64)
			require.NoError(t, err)
			for i := range *bmcs {
				t.Run(fmt.Sprintf("%d/bmc=%d", seed, i), func(t *testing.T) {
					t.Parallel()
					torment(t, &f, seed, uint64(i))
				})
			}
		}
	})
	fmt.Printf("seeds %s, %d BMCs each\n%s", strings.Join(chosen, " "), *bmcs, &f)
	f.check(t)
}

// torment makes calls to one BMC, one after the other.
func torment(t *testing.T, f *figures, seed, index uint64) {
	network := networks[index%uint64(len(networks))]
	haunted := index/uint64(len(networks))%2 == 1
	stream := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, index<<8|n)) }
	requests := &direction{rates: network.requests, random: stream(0)}
	answers := &direction{rates: network.answers, random: stream(1)}
	plan, death := stream(2), stream(3)

	b := newBMC(t)
	defer f.network(b, requests, answers)
	for began, number := time.Now(), 1; time.Since(began) < *long; number++ {
		c := newCall(plan, number, strings.TrimSpace(b.Read("state/power")))
		c.haunted = haunted
		noted, logged, asked := len(b.Read("runs")), len(b.Read("log")), requests.inSession.Load()
		b.Write("plan", fmt.Sprintln(c.number, c.seconds, c.code))

		p := newProxy(t, &net.UDPAddr{IP: b.Address.IP}, b.Address, requests, answers)
		release := func() {}
		if haunted {
			release = b.haunt(death)
		}
		c.make(p.port())
		p.close()
		release()
		b.rest()

		c.runs = strings.FieldsFunc(b.Read("runs")[noted:], func(r rune) bool { return r == '\n' })
		c.log = b.Read("log")[logged:]
		c.asks = requests.inSession.Load() > asked
		f.count(c)
		t.Log(c)
		if fault := c.fault(); fault != "" {
			t.Fatalf("seed %d: %s: %s\n%s", seed, fault, c, c.log)
		}
	}
}
