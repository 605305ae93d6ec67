package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A dialogue is what one client does over and over.
type dialogue interface {
	prepare(n int) // before the clock runs: what it takes to do it n times
	exchanges() []exchange
	check() error // after the clock has stopped: what came of it
}

// A round is made of slices, between which the clock stands still.
const slice = 100 * time.Millisecond

// rate has clients converse for a round, and adds how often a second they did, how long it took, and the processor time
// for each of the server itself and of all clients.
func (b *bench) rate(name string, p peer, all []dialogue) {
	name = fmt.Sprintf("%s/clients=%d", name, len(all))
	pid, lost := p.number(), unanswered
	if len(all) == 1 {
		defer together(self, pid)()
	}
	var times []float64
	var conversed, server, client time.Duration
	for n := 128; conversed < b.round; {
		var exchanges [][]exchange
		for _, d := range all {
			d.prepare(n)
			exchanges = append(exchanges, d.exchanges())
		}
		runtime.GC() // which only measure may do
		serverBefore, clientBefore := busy(pid), busy(self)
		took, time := converse(exchanges, n, slice)
		server += busy(pid) - serverBefore
		client += busy(self) - clientBefore
		for _, d := range all {
			require.NoError(must, d.check())
		}
		times = append(times, took...)
		conversed += time
		if time < slice {
			n *= 2
		}
	}
	b.times(name, p.name, times, conversed)
	each := float64(len(times))
	b.add(name+"/unanswered", p.name, "", float64(unanswered-lost))
	b.add(name+"/server", p.name, "ms", milliseconds(server)/each)
	b.add(name+"/client", p.name, "ms", milliseconds(client)/each)
}

// times adds how long something took, and how often it was done in the time that passed.
func (b *bench) times(name, of string, times []float64, passed time.Duration) {
	fmt.Fprintf(os.Stderr, "%s %s: %d in %.1f s\n", name, of, len(times), passed.Seconds())
	b.add(name+"/rate", of, "1/s", float64(len(times))/passed.Seconds())
	b.add(name+"/p50", of, "ms", quantile(times, 0.5))
	b.add(name+"/p99", of, "ms", quantile(times, 0.99))
}

// busy is the processor time that a process has taken so far, without that of its scripts. Its clock is what
// clock_getcpuclockid(3) makes of its number.
func busy(pid int) time.Duration {
	var t unix.Timespec
	require.NoError(must, unix.ClockGettime(int32(^pid<<3|2), &t))
	return time.Duration(t.Nano())
}

// self is this process to its clock.
const self = 0

// number is that of the process of a peer.
func (p peer) number() int {
	n, err := strconv.Atoi(p.pid())
	require.NoError(must, err, p.name)
	require.NotEqual(must, self, n, "%s does not run", p.name)
	return n
}

// together has processes share one processor until they are released. A process that waits for the other anyway needs no second
// one, and how long that takes no longer depends on where the scheduler has put them, nor on how fast a processor wakes up.
func together(pids ...int) (release func()) {
	var all, one unix.CPUSet
	require.NoError(must, unix.SchedGetaffinity(self, &all))
	for i := 0; one.Count() == 0; i++ {
		if all.IsSet(i) {
			one.Set(i)
		}
	}
	place(&one, pids)
	return func() { place(&all, pids) }
}

// place has all threads of processes run on some processors only.
func place(on *unix.CPUSet, pids []int) {
	for _, pid := range pids {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", cmp.Or(pid, os.Getpid())))
		require.NoError(must, err)
		for _, thread := range threads {
			tid, err := strconv.Atoi(filepath.Base(thread))
			require.NoError(must, err)
			if err := unix.SchedSetaffinity(tid, on); !errors.Is(err, unix.ESRCH) { // it has ended
				require.NoError(must, err)
			}
		}
	}
}
