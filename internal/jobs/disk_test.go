package jobs

import (
	"cmp"
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
	callers Callers
	creator *packet // nil: the BMC itself asked
	// promised is set if the action waits for its turn, began is when it was promised or began.
	promised bool
	began    time.Duration
	outcome  machine.Outcome // of the answer line; empty: there is none
	ended    time.Duration
}

// waits reports whether an action was accepted and has not begun, nor does the disk say why it does not.
func (f *file) waits() bool {
	return f.run.told && !f.run.script && !f.run.over && !f.run.withdrawn
}

// A run is an action that has a file, and its script.
type run struct {
	number int
	script bool // the script has begun
	// forgotten is set if the file was removed before the script began.
	forgotten bool
	// withdrawn is set if the file was promised and says how the run ended without its script.
	withdrawn bool
	promised  bool // its file was written while it waited for its turn
	told      bool // a client was told that it is accepted
	reported  bool // a client was told how it ended
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
	ends    []*run // that clients were told of before
}

func (s state) with(r *request) state {
	s.entries = append(slices.Clip(s.entries), r)
	return s
}

// order is that in which a process takes over files: first those of actions that have ended, then those of actions that
// have begun, and then those that wait for their turns.
func order(a, b *file) int {
	rank := func(f *file) int {
		switch {
		case f.outcome != "":
			return 0
		case f.promised:
			return 2
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ended, b.ended), cmp.Compare(a.began, b.began))
}

// line is what a file has of a caller.
func line(c Caller) Caller {
	c.kept, c.answered, c.unanswered = nil, false, false
	return c
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
