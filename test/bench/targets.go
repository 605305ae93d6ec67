package main

import (
	"fmt"
	"math"
)

// A target is what is wanted of one run. Most are ratios between two figures of that run; those with a unit
// depend on the machine.
type target struct {
	What   string
	Least  bool // the value is to be at least Want, else at most
	Want   float64
	Unit   string
	Value  float64
	Beside string  // who or what Value is a multiple of, if of another program
	Floor  float64 // what the echo makes of it, if measured: nobody can be better
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

// targets says what is promised, and what a run has made of it.
func targets(r *Report) (all []target) {
	least := func(want, value float64, beside, format string, args ...any) {
		all = append(all, target{What: fmt.Sprintf(format, args...), Least: true, Want: want, Value: value, Beside: beside})
	}
	most := func(want, value float64, unit, beside, format string, args ...any) {
		all = append(all, target{What: fmt.Sprintf(format, args...), Want: want, Value: value, Unit: unit, Beside: beside})
	}
	for _, suite := range []int{3, 17} {
		for _, clients := range atOnce {
			name := fmt.Sprintf("device-id/suite=%d/clients=%d/", suite, clients)
			fastest := r.best(name + "rate")
			ratio := func(figure, of string) float64 {
				return r.median(name+figure, of) / r.median(name+figure, fastest)
			}
			in := fmt.Sprintf("suite %d, clients: %d", suite, clients)
			least(2, ratio("rate", shipmi), fastest, "commands a second, %s", in)
			all[len(all)-1].Floor = ratio("rate", echo)
			most(1, ratio("p99", shipmi), "", fastest, "p99 of commands, %s", in)
			all[len(all)-1].Floor = ratio("p99", echo)
			most(1, ratio("server", shipmi), "", fastest, "processor time of a command, %s", in)
		}
	}
	for _, suite := range []int{3, 17} {
		for _, clients := range atOnce {
			name := fmt.Sprintf("login/suite=%d/clients=%d/rate", suite, clients)
			fastest := r.best(name)
			least(1.5, r.median(name, shipmi)/r.median(name, fastest), fastest,
				"logins a second, suite %d, clients: %d", suite, clients)
		}
	}
	for _, clients := range atOnce {
		name := fmt.Sprintf("chassis-status/suite=3/clients=%d/rate", clients)
		most(1.3, r.median(name, alone)/r.median(name, shipmi), "", alone, "time of a command with a script, clients: %d", clients)
		least(3, r.median(name, shipmi)/r.median(name, pyghmi), pyghmi, "commands with a script a second, clients: %d", clients)
	}

	cold := "cold/exec to answer"
	most(5, r.median(cold, shipmi), "ms", "", "cold start, from exec to the answer, median")
	most(10, r.at(cold, shipmi, 0.99), "ms", "", "cold start, from exec to the answer, 99 %%")
	warm := r.median("ipmitool/warm", shipmi)
	most(1.5, r.median("ipmitool/cold", shipmi)/warm, "", "a warm one", "ipmitool power status with a cold start")

	private := "memory/private"
	smallest := r.smallest(private)
	most(1, r.median(private, shipmi)/r.median(private, smallest), "", smallest,
		"private memory of an active BMC")
	most(24*1024, r.median("fleet/bmcs=1000/all active", shipmi)/1024, "MiB", "", "1,000 active BMCs")
	most(0, r.median("fleet/bmcs=1000/processes at rest", shipmi), "processes", "", "1,000 BMCs at rest")
	most(50, r.median("fleet/bmcs=1000/PID 1 at rest", shipmi)*1024/1e6, "MB", "", "1,000 BMCs at rest, memory of PID 1")

	for _, sessions := range []int{1, maxSessions} {
		command := r.median(fmt.Sprintf("sessions=%d/suite=17/clients=1/p50", sessions), shipmi)
		saving := r.median(fmt.Sprintf("saving/sessions=%d", sessions), shipmi)
		most(0.05, saving/command, "", "a command", "saving a session, of %d", sessions)
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
