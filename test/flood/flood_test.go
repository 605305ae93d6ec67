//go:build e2e

// Package flood logs in to the real program while others flood it: with half-open sessions, at 10,000 a second, with
// garbage, at 100,000 a second, and with connections. The clients are ipmitool, FreeIPMI and curl; the flood comes from other
// addresses of the loopback network. It knows only the environment and the packets of the program.
//
// Start reading at TestFlood. With -v it tells what it measured.
package flood

import (
	"context"
	"flag"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	duration = flag.Duration("flood", 8*time.Second, "how long the flood lasts")
	share    = flag.Float64("share", 0.2, "of the full rates, which take two processors that have nothing else to do")
)

// The full rates, a second.
const (
	halfOpenRate = 10_000
	garbageRate  = 100_000
)

const (
	// A generator that does not keep up shows nothing.
	enough = 0.9
	// What the process may grow by, in MiB: half-open sessions, and what the garbage collector lets stand.
	maxGrowth = 32
)

func TestFlood(t *testing.T) {
	s := start(t)
	for _, c := range clients {
		s.login(t, c) // the program is warm
	}
	before, idle := s.memory(t), s.processor(t)

	ctx, cancel := context.WithTimeout(t.Context(), *duration)
	defer cancel()
	var halfOpen, garbage tally
	var flood, logins sync.WaitGroup
	flood.Go(func() { halfOpen = attempts(t, ctx, s.addr, *share*halfOpenRate) })
	flood.Go(func() { garbage = rubbish(t, ctx, s.addr, *share*garbageRate) })
	took := make(map[string][]time.Duration)
	logins.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			c := clients[i%len(clients)]
			took[c.name] = append(took[c.name], s.login(t, c))
		}
	})
	logins.Wait()
	flood.Wait()
	perSecond := func(n int) float64 { return float64(n) / duration.Seconds() }
	after, busy, dropped := s.memory(t), s.processor(t)-idle, s.dropped(t)

	t.Logf("%.0f half-open attempts/s, %.0f answered/s, %.0f as far as RAKP 2/s; %.0f datagrams of garbage/s",
		perSecond(halfOpen.sent), perSecond(int(halfOpen.opened)), perSecond(int(halfOpen.keyed)), perSecond(garbage.sent))
	for name, all := range took {
		slices.Sort(all)
		t.Logf("%s: %d logins, none failed; median %v, longest %v", name, len(all), all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
	}
	t.Logf("resident memory: %.1f MiB before, %.1f MiB after, %.1f MiB at most", before.resident, after.resident, after.peak)
	t.Logf("%v of processor time, %v for a datagram; %d others stayed in the kernel: noise, or the socket was full",
		busy, busy/time.Duration(max(1, halfOpen.sent+int(halfOpen.opened)+garbage.sent-dropped)), dropped)
	for _, line := range s.log(t) {
		t.Logf("log: %s", line)
	}
	require.GreaterOrEqual(t, perSecond(halfOpen.sent), enough**share*halfOpenRate, "the generator does not keep up")
	require.GreaterOrEqual(t, perSecond(garbage.sent), enough**share*garbageRate, "the generator does not keep up")
	require.Less(t, after.peak-before.resident, float64(maxGrowth))
	require.Less(t, len(s.log(t)), 100+10*int(duration.Minutes()), "the log is flooded as well")
}

// A client is a command line that logs in and asks for the power state.
type client struct {
	name string
	args []string
}

var clients = []client{
	{"ipmitool", []string{"ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", "PORT", "-U", "admin", "-P", "sesame", "power", "status"}},
	{"FreeIPMI", []string{"ipmi-chassis", "-D", "LAN_2_0", "-h", "127.0.0.1:PORT", "-u", "admin", "-p", "sesame", "--get-chassis-status"}},
}

// login runs a client, which must succeed, and tells how long it took.
func (s *server) login(t *testing.T, c client) time.Duration {
	args := slices.Clone(c.args)
	for i := range args {
		args[i] = s.port(args[i])
	}
	begin := time.Now()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%v: %s", args, out)
	require.Regexp(t, `(?i)power *(is|:|state":") *"?off`, string(out))
	return time.Since(begin)
}
