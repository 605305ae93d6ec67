package jobs

import (
	"cmp"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
)

// Adopt adds a job that an earlier process began and that has not ended.
func (t *Table) Adopt(j *Job) {
	inherit(j)
	j.State = Running
	t.running = append(t.running, j)
}

// Requeue adds a job that an earlier process promised and that has not begun.
func (t *Table) Requeue(j *Job, now time.Duration) {
	inherit(j)
	j.Promised, j.Accepted = true, true
	t.enqueue(j, now)
}

// Recall adds an action that ended in an earlier process. Actions are recalled in the order
// of their ends.
func (t *Table) Recall(j *Job) {
	inherit(j)
	j.State = Over
	j.Accepted = true // or it would have no action file, if nothing was done
	t.recall(j, j.Ended)
}

// inherit notes that the callers of a job are in its file, and that an earlier process may
// not have answered them. A client that has not been told of a refusal may ask again.
func inherit(j *Job) {
	j.Callers.keep()
	for i := range j.Callers {
		j.Callers[i].unanswered = !j.Outcome.Undone()
	}
}

// Unanswered returns the job that a packet asked an earlier process for, if this process
// has not answered the packet yet.
func (t *Table) Unanswered(session, sequence uint32) *Job {
	for j := range t.known(t.history(session)) {
		if j.Callers.takeUnanswered(session, sequence) {
			return j
		}
	}
	return nil
}

// MovedOn yields the callers that have sent another request since, with their jobs. A
// process that ends in an orderly way adds them to the action files. Otherwise the next
// process could not tell a second request for the same from a retransmission.
func (t *Table) MovedOn() func(yield func(*Job, Caller) bool) {
	return func(yield func(*Job, Caller) bool) {
		for _, j := range slices.Concat(t.queued, t.running, t.withdrawn, t.over) {
			if j.Path == "" {
				continue
			}
			for _, c := range j.Callers {
				known := c.kept != nil && c.kept.Moved != 0
				if c.Moved != 0 && !known && !yield(j, c) {
					return
				}
			}
		}
	}
}

// A Change is a change of the BMC that must not be made twice, as the state file keeps it.
type Change struct {
	Caller  Caller        `json:"caller"`
	ByRqSeq bool          `json:"by_rqseq,omitempty"`
	Data    []byte        `json:"data,omitempty"`
	At      time.Duration `json:"at"`
}

// Changes returns the latest changes that a client may still repeat, oldest first. They must
// be saved together with what was changed.
func (t *Table) Changes(now time.Duration) []Change {
	var all []Change
	for _, h := range t.sessions {
		for _, j := range h.changes {
			if now-j.Asked < RepeatHold {
				all = append(all, Change{Caller: j.Callers[0], ByRqSeq: j.byRqSeq, Data: j.Data, At: j.Asked})
			}
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	return all[max(0, len(all)-maxKeptChanges):]
}

// RecallChange adds a change that an earlier process made. Changes are recalled in the order
// in which they were made.
func (t *Table) RecallChange(c Change) {
	j := &Job{
		State: Over, Outcome: machine.Done, Asked: c.At, Ended: c.At, Data: c.Data, byRqSeq: c.ByRqSeq,
		Callers: Callers{c.Caller},
	}
	inherit(j)
	t.remember(&t.history(c.Caller.Session).changes, maxChanges, j, c.At)
	t.changed = max(t.changed, c.At)
}
