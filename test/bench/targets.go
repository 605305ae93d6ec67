package main

import (
	"fmt"
	"math"
)

// A row is what the page has of one quantity: of ours, of the best peer, and of the best that can be.
type row struct {
	What, Unit string
	More       bool // is better
	Ours       float64
	Peer       value
	Floor      value
	Targets    []target
	Compared   target // with that of another run: what ours is times the floor
}

// A value is the median of a program, or of another thing that is compared. Without a name there is none.
type value struct {
	Of    string
	Value float64
}

// A target is what is wanted of one run: that ours is at least, or at most, so many times another, or so much.
type target struct {
	Of     string // empty: the value itself, which depends on the machine
	Least  bool
	Want   float64
	Values []float64 // ratios, or values, one for each round
}

func (t target) value() float64 { return quantile(t.Values, 0.5) }

func (t target) met() bool {
	return t.Least && t.value() >= t.Want || !t.Least && t.value() <= t.Want
}

// noise is by how much two runs on the same machine may differ, beyond the quartiles of their rounds: where the scheduler
// puts two processes moves a ratio by a third.
const noise = 1.35

// lost reports whether a ratio is worse than it was in an earlier run: three quarters of the rounds are worse than three
// quarters of those before, and by more than the noise.
func (t target) lost(before target) bool {
	if len(t.Values) == 0 {
		return true
	}
	if t.Least {
		return quantile(t.Values, 0.75)*noise < quantile(before.Values, 0.25)
	}
	return quantile(t.Values, 0.25) > quantile(before.Values, 0.75)*noise
}

// rows are what a run has measured, beside those peers that were the best in another run, or in itself.
func rows(r, peersOf *Report) (all []row) {
	compare := func(what, figure, unit string, more bool, peer, floor string, targets ...target) {
		for i, t := range targets {
			targets[i].Least, targets[i].Values = more, r.ratios(figure, shipmi, t.Of)
		}
		all = append(all, row{
			What: what, Unit: unit, More: more, Ours: r.median(figure, shipmi),
			Peer: value{peer, r.median(figure, peer)}, Floor: value{floor, r.median(figure, floor)}, Targets: targets,
			Compared: target{Of: floor, Least: more, Values: r.ratios(figure, shipmi, floor)},
		})
	}
	inRounds := func(each func(in, name string), name string, suites ...int) {
		for _, suite := range suites {
			for _, clients := range atOnce {
				each(fmt.Sprintf("suite %d, clients: %d", suite, clients), fmt.Sprintf("%s/suite=%d/clients=%d/", name, suite, clients))
			}
		}
	}
	inRounds(func(in, name string) {
		compare("commands, "+in, name+"rate", "1/s", true, peersOf.best(name+"rate"), goEcho, target{Of: goEcho, Want: 0.85})
	}, "device-id", 3, 17)
	inRounds(func(in, name string) {
		fastest := peersOf.best(name + "rate")
		compare("99 % of commands, "+in, name+"p99", "ms", false, fastest, goEcho, target{Of: fastest, Want: 1})
	}, "device-id", 3, 17)
	inRounds(func(in, name string) {
		fastest := peersOf.best(name + "rate")
		compare("logins, "+in, name+"rate", "1/s", true, fastest, goEcho,
			target{Of: fastest, Want: 1.2}, target{Of: goEcho, Want: 0.8})
	}, "login", 3, 17)
	inRounds(func(in, name string) {
		fastest := peersOf.best(name + "rate")
		targets := []target{{Of: fastest, Want: 1}}
		if fewer := name == fmt.Sprintf("chassis-status/suite=3/clients=%d/", atOnce[0]); fewer {
			targets = append(targets, target{Of: alone, Want: 1.2})
		}
		compare("a command with a script, "+in, name+"p50", "ms", false, fastest, alone, targets...)
	}, "chassis-status", 3)
	compare("cold start, from datagram to answer", "cold/datagram to answer", "ms", false, "", goEcho, target{Of: goEcho, Want: 1.3})
	cold := target{Of: "with a process", Want: 1.5, Values: r.quotients("ipmitool/cold", shipmi, "ipmitool/warm", shipmi)}
	all = append(all, row{
		What: "ipmitool power status, with a cold start", Unit: "ms", Ours: r.median("ipmitool/cold", shipmi),
		Floor:   value{cold.Of, r.median("ipmitool/warm", shipmi)},
		Targets: []target{cold}, Compared: cold,
	})
	for _, c := range connections {
		compare("Redfish requests, "+c.name, "redfish/GET, "+c.name+"/rate", "1/s", true, "", "")
	}
	compare("console output", "console/output", "kB/s", true, "", socat)
	compare("a keystroke and its echo", "console/echo/p50", "ms", false, "", socat)

	smallest := peersOf.smallest("memory/pss")
	compare(fmt.Sprintf("memory of each of %d active BMCs", active), "memory/pss", "KiB", false, smallest, goEcho)
	all[len(all)-1].Targets = []target{{Want: 1536, Values: r.values("memory/pss", shipmi)}}
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
