package jobs

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
)

// promise has the action file of a queued job written, if a client of the job may be told
// early that the job is accepted. After that the job outlives the process: it runs when its
// turn comes, or its action file says why not.
func (t *Table) promise(j *Job) {
	if j.promising || !slices.ContainsFunc(j.calls, func(c Call[machine.Outcome]) bool { return c.Promise }) {
		return
	}
	j.promising = true
	j.Callers.keep()
	t.Promise(j)
}

// Promised reports that the action file of a job that waits is there, or why it is not.
func (t *Table) Promised(j *Job, path string, err error, now time.Duration) {
	j.promising = false
	withdrawn := j.State == Ending
	switch {
	case err != nil && withdrawn:
		t.Withdrawn(j, now)
		return
	case err != nil:
		t.takeQueued(func(o *Job) bool { return o == j })
		t.finish(j, machine.Busy, now)
		t.next(now)
		return
	}
	j.Path, j.Promised, j.Accepted = path, true, true
	t.keepAll(j)
	if withdrawn {
		t.Withdraw(j)
		return
	}
	j.accept()
	t.next(now)
}

// withdraw ends a job that was promised and does not begin. Its clients learn the outcome once
// the outcome is in the action file, because until then the next process would carry it out.
func (t *Table) withdraw(j *Job, outcome machine.Outcome) {
	j.State, j.Outcome = Ending, outcome
	t.withdrawn = append(t.withdrawn, j)
	if !j.promising {
		t.keepAll(j)
		t.Withdraw(j)
	}
}

// Withdrawn reports that the action file of a job says how the job ended, or is removed.
func (t *Table) Withdrawn(j *Job, now time.Duration) {
	t.withdrawn = slices.DeleteFunc(t.withdrawn, func(o *Job) bool { return o == j })
	t.finish(j, j.Outcome, now)
}
