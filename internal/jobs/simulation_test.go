package jobs

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

var (
	oneSeed = flag.Uint64("seed", 0, "simulate only this seed, and print what happens")
	seeds   = flag.Uint64("seeds", 50_000, "how many seeds are simulated")
)

// newWorld makes a world from a seed.
func newWorld(seed uint64, transcript *[]string) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 0)), now: birth, transcript: transcript}
	if w.chance(0.8) {
		w.loss, w.double = w.Float64()*0.6, w.Float64()*0.4
		w.delay = w.between(0, 2*time.Second)
	}
	if w.chance(0.5) {
		w.deadly = w.Float64() * 0.1
	}
	w.slowDisk, w.badDisk = w.chance(0.2), w.chance(0.2)
	w.actions = []int{firstAction, firstAction + 1, firstAction + 2, firstAction + 3, firstAction + 4}
	if w.chance(0.3) { // clients that want the same meet
		w.Shuffle(len(w.actions), func(a, b int) { w.actions[a], w.actions[b] = w.actions[b], w.actions[a] })
		w.actions = w.actions[:1+w.IntN(2)]
	}
	w.calm = w.loss == 0 && w.deadly == 0 && !w.slowDisk && !w.badDisk
	for n := range 1 + w.IntN(3) {
		c := w.newClient(n)
		w.clients = append(w.clients, c)
		w.after(w.between(0, 3*time.Second), c.next)
	}
	if w.chance(0.1) {
		w.after(w.between(0, time.Minute), w.watchdog)
	}
	if !w.slowDisk && w.chance(0.1) {
		w.after(w.between(0, time.Minute), w.terminate)
	}
	w.tell("loss %.2f, double %.2f, delay %v, deadly %.2f, slow disk %v, bad disk %v",
		w.loss, w.double, w.delay, w.deadly, w.slowDisk, w.badDisk)
	return w
}

// watchdog has the BMC switch the managed machine off by itself.
func (w *world) watchdog() {
	if p := w.process; p != nil && p.ready && !p.ended {
		w.tell("the watchdog expires")
		p.table.Perform(machine.Intent{Verb: provider.Off}, machine.Asker{}, machine.CauseWatchdog, w.now)
		p.settle()
	}
}

// terminate stops the process as systemd does.
func (w *world) terminate() {
	if p := w.process; p != nil && p.ready && !p.ended {
		w.tell("SIGTERM")
		w.calm = false
		p.stop()
	}
}

func simulate(seed uint64, transcript *[]string) string {
	w := newWorld(seed, transcript)
	w.run()
	if w.violation == "" {
		w.checkEnd()
	}
	return w.violation
}

// replay fails with all that happens under a seed, if that breaks a rule.
func replay(t *testing.T, seed uint64) {
	t.Helper()
	var transcript []string
	if violation := simulate(seed, &transcript); violation != "" {
		t.Fatalf("-seed %d: %s\n%s", seed, violation, strings.Join(transcript, "\n"))
	}
}

// However a network and a host behave, a request runs once, and its client is told the truth.
func TestARequestRunsOnceInEverySimulation(t *testing.T) {
	if *oneSeed != 0 {
		var transcript []string
		violation := simulate(*oneSeed, &transcript)
		fmt.Println(strings.Join(transcript, "\n"))
		if violation != "" {
			t.Fatal(violation)
		}
		return
	}
	var next, broken atomic.Uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1); seed <= *seeds && broken.Load() == 0; seed = next.Add(1) {
				if simulate(seed, nil) != "" {
					broken.CompareAndSwap(0, seed)
				}
			}
		})
	}
	workers.Wait()
	if seed := broken.Load(); seed != 0 {
		replay(t, seed)
	}
}
