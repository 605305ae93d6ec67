package jobs

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A world is everything that the table of jobs has to do with, in virtual time and from a seed: clients, a network, the
// disk, scripts, and one process of a BMC after another. Whatever happens is an event, and events happen one at a time.
type world struct {
	*rand.Rand
	now    time.Duration
	events events
	number int // of events so far

	loss, double float64       // how likely a packet is lost or doubled
	delay        time.Duration // the longest time that a packet takes
	deadly       float64       // how likely the process is killed at each of its steps
	slowDisk     bool
	badDisk      bool
	calm         bool // nothing goes wrong

	disk       disk
	process    *process // nil: none
	generation int      // of the process
	kills      int
	socket     []*packet // what arrived while no process was ready
	clients    []*client
	actions    []int // that clients want, as commands
	runs       int
	scripts    []*run // that have begun

	transcript *[]string // nil: it is not written
	violation  string
}

// An event is something that happens at some time.
type event struct {
	at     time.Duration
	number int // events of the same time happen in the order in which they were made
	do     func()
}

// events is a heap with the earliest event on top.
type events []*event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(*event)) }

func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}

func (e *events) Pop() any {
	last := len(*e) - 1
	popped := (*e)[last]
	*e = (*e)[:last]
	return popped
}

// after has something happen later.
func (w *world) after(d time.Duration, do func()) {
	w.number++
	heap.Push(&w.events, &event{w.now + d, w.number, do})
}

// run has everything happen until nothing is left to happen, or something happens that must not. A last process
// carries out what is left.
func (w *world) run() {
	for steps := 0; w.violation == ""; steps++ {
		if len(w.events) == 0 && w.process == nil && slices.ContainsFunc(w.disk.actions, (*file).waits) {
			w.start()
		}
		if len(w.events) == 0 {
			return
		}
		if steps > 100_000 {
			w.violate("the simulation does not end")
		}
		e := heap.Pop(&w.events).(*event)
		w.now = e.at
		e.do()
	}
}

func (w *world) chance(p float64) bool { return p > 0 && w.Float64() < p }

// between is a random time.
func (w *world) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(w.Int64N(int64(most-least)))
}

func (w *world) violate(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
		w.tell("VIOLATION: %s", w.violation)
	}
}

// tell adds a line to the transcript.
func (w *world) tell(format string, args ...any) {
	if w.transcript != nil {
		*w.transcript = append(*w.transcript, fmt.Sprintf("%9.3f  ", (w.now-birth).Seconds())+fmt.Sprintf(format, args...))
	}
}
