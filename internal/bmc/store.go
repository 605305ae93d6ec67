package bmc

import "github.com/shipmi/shipmi/internal/machine"

// A store saves the state, one write at a time and without the lock. A write saves all
// changes that were made before it began. If a write fails, the state goes back to what was
// saved last, and everybody who waits is told.
type store struct {
	saved      machine.State
	generation uint64 // of saved
	writing    bool
	target     uint64        // generation that is being written
	waiting    []func(error) // for the write that goes on
	next       []func(error) // for the one after it
}

// Stored calls then once the state as it is now is saved, or cannot be.
func (b *BMC) Stored(then func(error)) {
	s := &b.store
	switch {
	case s.writing && s.target == b.Machine.Generation:
		s.waiting = append(s.waiting, then)
	case s.pending(b):
		s.next = append(s.next, then)
	default:
		then(nil)
	}
}

// pending reports whether the state as it is now is not saved.
func (s *store) pending(b *BMC) bool { return s.writing || s.generation != b.Machine.Generation }

// flush begins a write if there is something to save.
func (s *store) flush(b *BMC) {
	if s.writing || !s.pending(b) {
		return
	}
	state, generation := b.Machine.State, b.Machine.Generation
	s.writing, s.target = true, generation
	s.waiting, s.next = append(s.waiting, s.next...), nil
	b.work(func() func() {
		err := b.Save(state)
		return func() { s.written(b, state, generation, err) }
	})
}

func (s *store) written(b *BMC, state machine.State, generation uint64, err error) {
	done := s.waiting
	s.writing, s.waiting = false, nil
	if err != nil {
		b.Log.Error("state not saved", "err", err)
		b.Machine.Revert(s.saved)
		state, generation = s.saved, b.Machine.Generation
		done = append(done, s.next...)
		s.next = nil
	}
	s.saved, s.generation = state, generation
	for _, then := range done {
		then(err)
	}
}

// handOver keeps for the next process what no worker has kept when this one ends: which
// clients have moved on, and the state.
func (b *BMC) handOver() {
	for j, c := range b.Jobs.MovedOn() {
		if err := b.Actions.AddCaller(j.Path, c); err != nil {
			b.Log.Error("client not added to an action file", "err", err)
		}
	}
	b.noteChanges()
	if b.store.generation == b.Machine.Generation {
		return
	}
	if err := b.Save(b.Machine.State); err != nil {
		b.Log.Error("state not saved", "err", err)
	}
}
