package bmc

import (
	"encoding/json"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
)

// changesNote is the note of the state that holds the changes which must not be made twice,
// a JSON list of [jobs.Change]. The note is saved together with the change.
const changesNote = "jobs changes"

// Change notes a change that a front has just made to the state and that must not be made
// twice. The request is answered once the change is saved. Data is what the front answers.
func (b *BMC) Change(c jobs.Call[machine.Outcome], byRqSeq bool, data []byte) {
	j := b.Jobs.Change(c, byRqSeq, data)
	b.noteChanges()
	b.Stored(func(err error) {
		if err != nil {
			b.Jobs.EndChange(j, machine.Failed, b.now)
		} else {
			b.Jobs.EndChange(j, machine.Done, b.now)
		}
	})
}

// noteChanges notes the changes that a client may still repeat.
func (b *BMC) noteChanges() {
	if changes := b.Jobs.Changes(b.now); len(changes) > 0 {
		b.Machine.Update(func(s *machine.State) { NoteChanges(s, changes) })
	}
}

// NoteChanges notes changes that must not be made twice, oldest first.
func NoteChanges(s *machine.State, all []jobs.Change) {
	note, err := json.Marshal(all)
	if err != nil {
		panic("internal error: " + err.Error()) // every value can be written as JSON
	}
	s.Note(changesNote, note)
}

// recallChanges has the table know the changes that an earlier process made.
func (b *BMC) recallChanges() {
	note := b.Machine.State.Notes[changesNote]
	var all []jobs.Change
	if note == nil || json.Unmarshal(note, &all) != nil {
		return
	}
	for _, c := range all {
		if b.now-c.At < jobs.RepeatHold {
			b.Jobs.RecallChange(c)
		}
	}
}
