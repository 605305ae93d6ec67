package jobs

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
)

// A disk holds what outlives a process: the action files, the state, and the packet numbers of sessions.
type disk struct {
	actions []*file
	state   state
}

// A file is the file of an action.
type file struct {
	run     *run
	intent  machine.Intent
	own     bool
	callers Callers
	outcome machine.Outcome // of the answer line; empty: there is none
	ended   time.Duration
}

// A run is an action that has a file, and its script.
type run struct {
	number int
	script bool // the script has begun
	// forgotten is set if the file was removed before the script began.
	forgotten bool
	adopted   bool // by a later process
	over      bool
	outcome   machine.Outcome
	ended     time.Duration
	waiting   func() // is told of the end
}

// A state is what the state file holds.
type state struct {
	entries []*request // what made the changes
	changes []Change
}

func (s state) with(r *request) state {
	s.entries = append(slices.Clip(s.entries), r)
	return s
}

func (d *disk) remove(f *file) {
	d.actions = slices.DeleteFunc(d.actions, func(o *file) bool { return o == f })
}

// end ends the script of a run.
func (w *world) end(r *run, o machine.Outcome) {
	if r.over {
		return
	}
	r.over, r.outcome, r.ended = true, o, w.now
	w.tell("run %d ends: %s", r.number, o)
	if r.waiting != nil {
		r.waiting()
	}
}

// A window rejects packet numbers that were seen before or are too old, as that of package session does.
type window struct {
	top  uint32
	seen uint32 // bit i: top-i was seen
}

func (w *window) accept(number uint32) bool {
	switch ahead := int32(number - w.top); {
	case w.seen == 0:
		w.top, w.seen = number, 1
	case ahead > 0:
		w.top, w.seen = number, w.seen<<uint32(ahead)|1
	case ahead <= -32 || w.seen&(1<<-ahead) != 0:
		return false
	default:
		w.seen |= 1 << -ahead
	}
	return true
}
