package jobs

import (
	"iter"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// beginning is how long a script takes to begin at most. A process that is killed before
// that leaves an action that never ran, and no client may have been told that it runs.
const beginning = 100 * time.Millisecond

// Numbers of things that a Table remembers.
const (
	maxActions     = 64     // actions that have ended
	maxRefusals    = 64     // jobs that were refused
	maxChanges     = rqSeqs // changes of each session
	maxKeptChanges = 16     // changes that the next process knows
)

// A Table holds the jobs of one BMC. The functions must be set before its first use.
type Table struct {
	// AnswerAfter is how long a client waits for a job: then it is told that the job is
	// accepted, or that the BMC is busy with another one.
	AnswerAfter time.Duration
	// Start begins to carry a job out. The job's end is reported to [Table.End].
	Start func(*Job)
	// Keep adds a caller to the job's action file, and calls done when the caller is in it
	// or cannot be.
	Keep func(j *Job, c Caller, done func(error))
	// Promise writes the action file of a job that waits for its turn, and reports that to
	// [Table.Promised].
	Promise func(*Job)
	// Withdraw adds the outcome of a job that was promised and does not begin to its action
	// file, and reports that to [Table.Withdrawn]. If the outcome cannot be added, Withdraw
	// removes the file.
	Withdraw func(*Job)
	// Over, unless it is nil, is called when a job has its outcome.
	Over func(*Job)
	// Abort cuts the script of a job short.
	Abort func(*Job)
	// Forget removes the action file of a job that no request can repeat any more.
	Forget func(*Job)
	// Ask has a question answered. Its end is reported to [Table.Answered].
	Ask func(*Question)

	queued   []*Job
	running  []*Job // more than one only if earlier processes left several
	over     []*Job // actions, those that ended first in front
	refused  []*Job // jobs that did nothing, those that ended first in front
	sessions map[uint32]*history
	changed  time.Duration // when the latest change was made; 0: never
	epoch    int           // counts the beginnings and the ends of scripts

	// withdrawn are jobs that were promised and do not begin, while that is written to their
	// action files.
	withdrawn []*Job

	asking    *Question
	questions []*Question // that wait, one for each verb and its arguments
}

// A history is what is remembered of one session.
type history struct {
	changes  []*Job // oldest first
	sequence uint32 // of the packet with the highest number
	rqSeq    byte   // in that packet
	key      uint64 // of that packet; 0: there was none
	constant bool   // the client uses one rqSeq for different requests
}

// see notes a packet of the session.
func (h *history) see(r Request) {
	if h.key != 0 && int32(r.Sequence-h.sequence) < 0 {
		return
	}
	h.constant = h.constant || h.key != 0 && h.rqSeq == r.RqSeq && h.key != r.Key
	h.sequence, h.rqSeq, h.key = r.Sequence, r.RqSeq, r.Key
}

// Receive notes that a request came, and returns the job that it asks for again; nil if
// the request is new. For every other job of the session, even for one with the same content,
// Receive notes that the client has sent a different request since; moveOn has the exceptions.
func (t *Table) Receive(r Request) *Job {
	h := t.history(r.Session)
	h.see(r)
	again := t.again(h, r)
	for j := range t.known(h) {
		if j != again {
			j.moveOn(r)
		}
	}
	return again
}

// again returns the job that a request of a session asks for again: of several, the one that
// the session asked for last. A job that was refused is the last choice.
func (t *Table) again(h *history, r Request) *Job {
	var again *Job
	var sequence uint32
	for j := range t.known(h) {
		c := j.Callers.find(r.Session, r.Key)
		if c == nil {
			continue
		}
		c.Constant = c.Constant || h.constant
		if asksAgain(j, c, r) && (again == nil || !j.refused && int32(c.Sequence-sequence) > 0) {
			again, sequence = j, c.Sequence
		}
	}
	return again
}

// asksAgain reports whether r, with the session and content of c, is for job j.
//
// A client that was refused may ask for the same again at once. A packet with a lower number
// than the refused one gets the refusal again, because the client was told that nothing was
// done.
func asksAgain(j *Job, c *Caller, r Request) bool {
	switch {
	case j.State == Queued:
		return true
	case j.State == Over && r.At-j.Ended >= RepeatHold:
		return false
	case j.refused:
		return c.overtook(r)
	case j.State < Ending && c.Moved == 0 && (!j.byRqSeq || c.Constant):
		return true // what runs is what the client wants, whether it repeats itself or not
	}
	return c.repeats(r, j.byRqSeq)
}

// known yields what a request of a session may repeat, refused jobs last.
func (t *Table) known(h *history) func(yield func(*Job) bool) {
	return func(yield func(*Job) bool) {
		for _, all := range [][]*Job{t.queued, t.running, t.withdrawn, t.over, h.changes, t.refused} {
			for _, j := range slices.Backward(all) {
				if !yield(j) {
					return
				}
			}
		}
	}
}

// Submit has an intent carried out for a request that [Table.Receive] found to be new. If
// there is a job with the same intent, the request joins that job. One job of a client may wait
// while another job runs. A further request is answered as busy, unless it makes the job that
// waits useless.
func (t *Table) Submit(i machine.Intent, asker machine.Asker, c Call[machine.Outcome]) {
	if j := t.same(i); j != nil {
		t.Join(j, c)
		return
	}
	j := &Job{Intent: i, Asker: asker, Asked: c.At, Callers: Callers{t.caller(c.Request)}}
	c.join(j)
	j.calls.join(c)
	if slices.ContainsFunc(t.queued, func(o *Job) bool { return !o.Own && !j.replaces(o) }) {
		t.finish(j, machine.Busy, c.At)
		return
	}
	t.enqueue(j, c.At)
}

// Perform has an intent carried out that no client asked for.
func (t *Table) Perform(i machine.Intent, asker machine.Asker, cause machine.Cause, now time.Duration) {
	t.enqueue(&Job{Intent: i, Asker: asker, Cause: cause, Own: true, Asked: now}, now)
}

// same returns the job with an intent, if its script has not ended; otherwise nil. While a job
// waits, the job that runs is not the same: the action of a client that asks now has to come
// after the job that waits.
func (t *Table) same(i machine.Intent) *Job {
	for j := range t.joinable() {
		if j.Intent == i {
			return j
		}
	}
	return nil
}

// Joinable yields the intents whose jobs a request that comes now would join.
func (t *Table) Joinable() iter.Seq[machine.Intent] {
	return func(yield func(machine.Intent) bool) {
		for j := range t.joinable() {
			if !yield(j.Intent) {
				return
			}
		}
	}
}

func (t *Table) joinable() iter.Seq[*Job] {
	unfinished := t.running
	if len(t.queued) > 0 {
		unfinished = t.queued
	}
	return func(yield func(*Job) bool) {
		for _, j := range unfinished {
			if j.State != Ending && !yield(j) {
				return
			}
		}
	}
}

// Unfinished yields the intents of the jobs that have no outcome yet.
func (t *Table) Unfinished() iter.Seq[machine.Intent] {
	return func(yield func(machine.Intent) bool) {
		for _, j := range slices.Concat(t.running, t.queued, t.withdrawn) {
			if !yield(j.Intent) {
				return
			}
		}
	}
}

func (t *Table) enqueue(j *Job, now time.Duration) {
	t.supersede(j, now)
	t.queued = append(t.queued, j)
	t.next(now)
}

// supersede cuts jobs short that another one makes useless, and does not begin those that wait.
func (t *Table) supersede(by *Job, now time.Duration) {
	useless := by.supersedes()
	for _, j := range t.running {
		if j.Intent.Verb == useless || j.Yields && useless == provider.Shutdown {
			t.Abort(j)
		}
	}
	for _, j := range t.takeQueued(by.replaces) {
		t.finish(j, machine.Superseded, now)
	}
}

// takeQueued removes jobs from those that wait.
func (t *Table) takeQueued(which func(*Job) bool) (taken []*Job) {
	t.queued = slices.DeleteFunc(t.queued, func(j *Job) bool {
		take := which(j)
		if take {
			taken = append(taken, j)
		}
		return take
	})
	return taken
}

// next starts the job whose turn it is. Its callers up to now will be in the action file.
func (t *Table) next(now time.Duration) {
	if len(t.running) > 0 || len(t.queued) == 0 || t.queued[0].promising {
		return
	}
	j := t.queued[0]
	t.queued = t.queued[1:]
	t.running = append(t.running, j)
	t.epoch++
	j.State, j.Started = Starting, now
	if !j.Promised {
		j.Callers.keep()
	}
	t.Start(j)
}

// Begin reports that the action file of a job is there, with all callers that the job had
// when it started, and that its script begins now.
func (t *Table) Begin(j *Job, path string, accept bool, now time.Duration) {
	t.epoch++
	j.State, j.Path, j.Accept, j.begun = Running, path, accept, now
	t.keepAll(j)
}

// keepAll has the action file, which is there now, name everybody who asked meanwhile.
func (t *Table) keepAll(j *Job) {
	for _, c := range slices.Clone(j.unkept) {
		t.keep(j, c.Request)
	}
}

// Join has a request wait for the outcome of a job, or answers it if there is one. The
// session is in the action file before there can be an answer.
func (t *Table) Join(j *Job, c Call[machine.Outcome]) {
	c.join(j)
	j.Callers.Put(t.caller(c.Request))
	if j.keeps(c.Request) {
		j.unkept.drop(c.Request)
		t.Wait(j, c)
		return
	}
	keeping := j.unkept.index(c.Request) >= 0
	j.unkept.join(c)
	if j.State != Starting && !j.promising && !keeping {
		t.keep(j, c.Request)
	}
}

// keep has the session of a request put into the action file, and the request wait for the
// outcome from then on. If the session cannot be kept, its request is dropped: the client
// repeats it. A request without a number is not dropped, because its connection waits.
func (t *Table) keep(j *Job, r Request) {
	written := *j.Callers.find(r.Session, r.Key)
	t.Keep(j, written, func(err error) {
		if err != nil && r.Sequence != 0 {
			j.unkept.drop(r)
			return
		}
		j.Callers.find(r.Session, r.Key).keep(written)
		for _, c := range j.unkept.take(func(c Call[machine.Outcome]) bool { return j.keeps(c.Request) }) {
			t.Wait(j, c)
		}
	})
}

// Wait is Join for a request that is known to the job.
func (t *Table) Wait(j *Job, c Call[machine.Outcome]) {
	if j.State == Over {
		j.Callers.answered(c.Request)
		c.Answer(j.Outcome)
		return
	}
	j.calls.join(c)
	t.Expire(c.At)
}

// caller is the session of a request.
func (t *Table) caller(r Request) Caller {
	h := t.sessions[r.Session]
	return Caller{
		Session: r.Session, Key: r.Key, RqSeqs: 1 << r.RqSeq, Sequence: r.Sequence, Latest: r.At,
		Constant: h != nil && h.constant,
	}
}

// ScriptEnded reports that the script of a job has ended. [Table.End] follows once the
// outcome is saved. From now on no client is told that the job is accepted, and no other
// client joins it: its request came after the end of the script.
func (t *Table) ScriptEnded(j *Job) {
	t.epoch++
	j.State = Ending
}

// End reports the outcome of a job, answers everybody who waits for it, and starts the next
// one.
func (t *Table) End(j *Job, outcome machine.Outcome, now time.Duration) {
	t.epoch++
	t.running = slices.DeleteFunc(t.running, func(o *Job) bool { return o == j })
	t.finish(j, outcome, now)
	t.next(now)
}

// finish gives a job its outcome and answers the clients that wait for it. A client that is
// being added to the action file is answered afterwards.
func (t *Table) finish(j *Job, outcome machine.Outcome, now time.Duration) {
	if j.promising || j.Promised && j.State < Running {
		t.withdraw(j, outcome)
		return
	}
	j.State, j.Outcome, j.Ended = Over, outcome, now
	if t.Over != nil {
		t.Over(j)
	}
	t.recall(j, now)
	j.answer(outcome)
	if j.Path == "" || j.refused {
		j.unkept.answer(outcome)
	}
}

// recall remembers a job that has ended.
func (t *Table) recall(j *Job, now time.Duration) {
	if j.Outcome.Undone() {
		t.refuse(j, now)
	} else {
		t.remember(&t.over, maxActions, j, now)
	}
}

// refuse remembers a job that did nothing. The next process need not know of it, unless a
// client was told that the job is accepted.
func (t *Table) refuse(j *Job, now time.Duration) {
	if !j.Accepted {
		t.forget(j)
	}
	j.refused = true
	t.remember(&t.refused, maxRefusals, j, now)
}

func (t *Table) forget(j *Job) {
	if j.Path != "" {
		t.Forget(j)
		j.Path = ""
	}
}

// Change notes a change of the BMC that a request makes and that must not be made twice.
// The change is over once it is saved: see [Table.EndChange].
func (t *Table) Change(c Call[machine.Outcome], byRqSeq bool, data []byte) *Job {
	j := &Job{State: Running, Data: data, byRqSeq: byRqSeq, Asked: c.At, Callers: Callers{t.caller(c.Request)}}
	j.calls.join(c)
	t.remember(&t.history(c.Session).changes, maxChanges, j, c.At)
	return j
}

// EndChange reports whether a change is saved. One that could not be saved was not made.
func (t *Table) EndChange(j *Job, outcome machine.Outcome, now time.Duration) {
	j.State, j.Outcome, j.Ended = Over, outcome, now
	if outcome == machine.Done {
		t.changed = now
	} else {
		h := t.history(j.Callers[0].Session)
		h.changes = slices.DeleteFunc(h.changes, func(o *Job) bool { return o == j })
		t.refuse(j, now)
	}
	j.answer(outcome)
}

// remember adds to what is remembered, and forgets what is too old or too much.
func (t *Table) remember(all *[]*Job, limit int, j *Job, now time.Duration) {
	excess := len(*all) - limit + 1
	*all = slices.DeleteFunc(*all, func(o *Job) bool {
		excess--
		forget := o.State == Over && (now-o.Ended >= RepeatHold || excess >= 0)
		if forget {
			t.forget(o)
		}
		return forget
	})
	*all = append(*all, j)
}

// Leave notes that a session has ended: nothing is begun for it any more.
func (t *Table) Leave(session uint32) {
	t.takeQueued(func(j *Job) bool { return j.leave(session) })
	for _, j := range t.running {
		j.leave(session)
	}
	for q := range t.unanswered() {
		q.calls.leave(session)
	}
}

// Expire answers the clients that have waited long enough. The clients of a job that runs, and
// that may be accepted, are told so. A job that waits is promised if a client allows that.
// Otherwise its clients are told that the BMC is busy, and the job is given up unless the BMC
// itself asked.
func (t *Table) Expire(now time.Duration) {
	late := func(j *Job) bool { return now-j.Asked >= t.patience(j) }
	for _, j := range t.running {
		if j.State == Running && j.Accept && now >= t.acceptedAt(j) {
			j.accept()
		}
	}
	for _, j := range t.queued {
		if j.Promised {
			j.accept()
		} else if late(j) {
			t.promise(j)
		}
	}
	for _, j := range t.queued {
		if j.Own && !j.Promised && !j.promising && late(j) {
			j.answer(machine.Busy)
		}
	}
	for _, j := range t.takeQueued(func(j *Job) bool { return !j.Own && !j.Promised && !j.promising && late(j) }) {
		t.finish(j, machine.Busy, now)
	}
	t.expireQuestions(now)
}

// acceptedAt is from when on the clients of a job that runs are told that it is accepted.
func (t *Table) acceptedAt(j *Job) time.Duration {
	return max(j.Asked+t.AnswerAfter, j.begun+beginning)
}

// startPatience is how long a start waits for the boot device to be set that it must start
// from: ipmitool gives up after 10 s.
const startPatience = 9 * time.Second

// patience is how long a job waits for its turn.
func (t *Table) patience(j *Job) time.Duration {
	running := t.Running()
	if j.Intent.Verb.Starts() && running != nil && running.Intent.Verb == provider.BootSet {
		return max(t.AnswerAfter, startPatience)
	}
	return t.AnswerAfter
}

// Due is when [Table.Expire] has something to do next; never if it has nothing.
func (t *Table) Due(never time.Duration) time.Duration {
	due := t.questionsDue(never)
	for _, j := range t.running {
		if j.State == Running && j.Accept && len(j.calls) > 0 {
			due = min(due, t.acceptedAt(j))
		}
	}
	for _, j := range t.queued {
		if len(j.calls) > 0 && !j.promising {
			due = min(due, j.Asked+t.patience(j))
		}
	}
	return due
}

// At returns the job with that action file; nil if there is none.
func (t *Table) At(path string) *Job {
	for _, all := range [][]*Job{t.running, t.queued, t.withdrawn, t.over, t.refused} {
		if i := slices.IndexFunc(all, func(j *Job) bool { return j.Path == path }); i >= 0 {
			return all[i]
		}
	}
	return nil
}

// Busy reports whether a script runs or is about to.
func (t *Table) Busy() bool { return len(t.running) > 0 || t.asking != nil }

// Acting reports whether an action runs or waits.
func (t *Table) Acting() bool { return len(t.running) > 0 || len(t.queued) > 0 }

// Running is the action that runs; nil if there is none.
func (t *Table) Running() *Job {
	if len(t.running) == 0 {
		return nil
	}
	return t.running[len(t.running)-1]
}

// RepeatableUntil is how long a change may be repeated, in time since boot.
func (t *Table) RepeatableUntil() time.Duration {
	if t.changed == 0 {
		return 0
	}
	return t.changed + RepeatHold
}

func (t *Table) history(session uint32) *history {
	h := t.sessions[session]
	if h == nil {
		h = new(history)
		if t.sessions == nil {
			t.sessions = make(map[uint32]*history)
		}
		t.sessions[session] = h
	}
	return h
}

// Sessions is how many sessions something is remembered of.
func (t *Table) Sessions() int { return len(t.sessions) }

// ForgetSessions drops what is remembered of sessions that are not alive any more.
func (t *Table) ForgetSessions(alive func(session uint32) bool) {
	for session := range t.sessions {
		if !alive(session) {
			delete(t.sessions, session)
		}
	}
}
