package main

import (
	"fmt"
	"math"
)

// A target is what is wanted of one run. Most are ratios between two figures of that run; those with a unit
// depend on the machine.
type target struct {
	What    string
	Least   bool // the value is to be at least Want, else at most
	Want    float64
	Unit    string
	Value   float64
	Beside  string  // who or what Value is a multiple of, if of another program
	Floor   float64 // the best that can be, where that was measured
	FloorOf string  // of whom
}

func (t target) met() bool {
	return t.Least && t.Value >= t.Want || !t.Least && t.Value <= t.Want
}

// noise is by how much two runs on the same machine may differ.
const noise = 1.35

// lost tells whether the value is no longer what it was in an earlier run. What depends on the machine is not
// compared as long as it meets the target.
func (t target) lost(before target) bool {
	if t.Unit != "" && t.met() {
		return false
	}
	if t.Least {
		return !(t.Value*noise >= before.Value)
	}
	return !(t.Value <= before.Value*noise)
}

// targets says what is promised, and what a run has made of it, beside those peers that were the fastest, and the
// smallest, in another run or in itself.
func targets(r, peersOf *Report) (all []target) {
	add := func(t target) { all = append(all, t) }
	for _, suite := range []int{3, 17} {
		for _, clients := range atOnce {
			name := fmt.Sprintf("device-id/suite=%d/clients=%d/", suite, clients)
			fastest := peersOf.best(name + "rate")
			ratio := func(figure, of string) float64 {
				return r.ratio(name+figure, of, fastest)
			}
			in := fmt.Sprintf(", suite %d, clients: %d", suite, clients)
			add(target{What: "commands a second" + in, Least: true, Want: 2,
				Value: ratio("rate", shipmi), Beside: fastest, Floor: ratio("rate", goEcho), FloorOf: goEcho})
			add(target{What: "p99 of commands" + in, Want: 1,
				Value: ratio("p99", shipmi), Beside: fastest, Floor: ratio("p99", goEcho), FloorOf: goEcho})
			add(target{What: "processor time of a command" + in, Want: 1,
				Value: ratio("server", shipmi), Beside: fastest, Floor: ratio("server", goEcho), FloorOf: goEcho})
		}
	}
	for _, suite := range []int{3, 17} {
		for _, clients := range atOnce {
			name := fmt.Sprintf("login/suite=%d/clients=%d/rate", suite, clients)
			fastest := peersOf.best(name)
			ratio := func(of string) float64 { return r.ratio(name, of, fastest) }
			add(target{What: fmt.Sprintf("logins a second, suite %d, clients: %d", suite, clients), Least: true, Want: 1.5,
				Value: ratio(shipmi), Beside: fastest, Floor: ratio(goEcho), FloorOf: goEcho})
		}
	}
	for _, clients := range atOnce {
		name := fmt.Sprintf("chassis-status/suite=3/clients=%d/rate", clients)
		fastest := peersOf.best(name)
		ratio := func(a, b string) float64 { return r.ratio(name, a, b) }
		add(target{What: fmt.Sprintf("time of a command with a script, clients: %d", clients), Want: 1.3,
			Value: ratio(alone, shipmi), Beside: alone, Floor: ratio(alone, fastest), FloorOf: fastest})
		add(target{What: fmt.Sprintf("commands with a script a second, clients: %d", clients), Least: true, Want: 3,
			Value: ratio(shipmi, pyghmi), Beside: pyghmi, Floor: ratio(alone, pyghmi), FloorOf: alone})
	}

	cold := "cold/exec to answer"
	add(target{What: "cold start, from exec to the answer, median", Want: 5, Unit: "ms",
		Value: r.median(cold, shipmi), Floor: r.median(cold, goEcho), FloorOf: goEcho})
	add(target{What: "cold start, from exec to the answer, 99 %", Want: 10, Unit: "ms",
		Value: r.at(cold, shipmi, 0.99), Floor: r.at(cold, goEcho, 0.99), FloorOf: goEcho})
	warm := r.median("ipmitool/warm", shipmi)
	add(target{What: "ipmitool power status with a cold start", Want: 1.5,
		Value: r.median("ipmitool/cold", shipmi) / warm, Beside: "a warm one",
		Floor: (warm + r.median("cold/datagram to answer", echo)) / warm, FloorOf: "with the cold start of echo"})

	private := "memory/private"
	smallest := r.median(private, peersOf.smallest(private))
	add(target{What: "private memory of an active BMC", Want: 1, Value: r.median(private, shipmi) / smallest,
		Beside: peersOf.smallest(private), Floor: r.median(private, goEcho) / smallest, FloorOf: goEcho})
	add(target{What: "1,000 active BMCs", Want: 24 * 1024, Unit: "MiB", Value: r.median("fleet/bmcs=1000/all active", shipmi) / 1024})
	add(target{What: "1,000 BMCs at rest", Unit: "processes", Value: r.median("fleet/bmcs=1000/processes at rest", shipmi)})
	add(target{What: "1,000 BMCs at rest, memory of PID 1", Want: 50, Unit: "MB",
		Value: r.median("fleet/bmcs=1000/PID 1 at rest", shipmi) * 1024 / 1e6})

	for _, sessions := range []int{1, maxSessions} {
		command := r.median(fmt.Sprintf("sessions=%d/suite=17/clients=1/p50", sessions), shipmi)
		saving := r.median(fmt.Sprintf("saving/sessions=%d", sessions), shipmi)
		add(target{What: fmt.Sprintf("saving a session, of %d", sessions), Want: 0.05, Value: saving / command, Beside: "a command"})
	}
	return all
}

// best is the peer with the highest median, ours apart; smallest the one with the lowest.
func (r *Report) best(name string) string {
	return r.first(name, func(a, b float64) bool { return a > b })
}
func (r *Report) smallest(name string) string {
	return r.first(name, func(a, b float64) bool { return a < b })
}

func (r *Report) first(name string, before func(a, b float64) bool) (found string) {
	for _, p := range peers {
		v := r.median(name, p.name)
		if p.name == shipmi || p.isEcho || math.IsNaN(v) {
			continue
		}
		if found == "" || before(v, r.median(name, found)) {
			found = p.name
		}
	}
	return found
}
