package jobs

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

// A promiseRig is a rig whose clients may be promised that a job runs later.
type promiseRig struct {
	*rig
	promised  []func(path string, err error)
	withdrawn []*Job
	over      []*Job
}

func newPromiseRig(t *testing.T) *promiseRig {
	r := &promiseRig{rig: newRig(t)}
	r.Promise = func(j *Job) {
		r.promised = append(r.promised, func(path string, err error) { r.Promised(j, path, err, r.now) })
	}
	r.Withdraw = func(j *Job) { r.withdrawn = append(r.withdrawn, j) }
	r.Table.Over = func(j *Job) { r.over = append(r.over, j) }
	return r
}

// posts has a client without request numbers ask for an intent.
func (r *promiseRig) posts(client uint32, i machine.Intent) (joined *Job) {
	c := r.call(Request{Session: client, Key: key(i), At: r.now})
	c.Promise = true
	c.Joined = func(j *Job) { joined = j }
	if j := r.Owed(client, key(i), r.now); j != nil {
		r.Join(j, c)
	} else {
		r.Submit(i, nobody, c)
	}
	return joined
}

// delivers has the answer to the latest request of client 1 for a reset leave.
func (r *promiseRig) delivers(j *Job) {
	latest := j.Callers.find(1, key(reset)).Latest
	r.Delivered(Request{Session: 1, Key: key(reset), At: latest})
}

// runs has a client's job run, with an action file.
func (r *promiseRig) runs(client uint32, i machine.Intent, path string) *Job {
	j := r.posts(client, i)
	require.Equal(r, []*Job{j}, r.started)
	r.Begin(j, path, true, r.now)
	return j
}

func TestAJobThatWaitsIsPromisedOnceItsFileIsThere(t *testing.T) {
	r := newPromiseRig(t)
	first := r.runs(1, on, "first")
	second := r.posts(2, reset)
	r.after(time.Second)
	require.Empty(t, r.promised)
	r.after(time.Second)
	require.Len(t, r.promised, 1)
	require.Equal(t, []machine.Outcome{machine.Accepted}, r.answers, "that is the client of what runs")

	r.End(first, machine.Done, r.now)
	require.Len(t, r.started, 1, "the file is not there yet")
	r.promised[0]("second", nil)
	require.Equal(t, []machine.Outcome{machine.Accepted, machine.Accepted}, r.answers)
	require.Equal(t, []*Job{first, second}, r.started)
	require.True(t, second.Promised)
	require.False(t, second.Abandoned(), "although no client waits")

	r.Begin(second, "second", true, r.now)
	r.End(second, machine.Done, r.now)
	require.Equal(t, []*Job{first, second}, r.over)
	require.Empty(t, r.forgot)
}

func TestWithoutAFileNothingIsPromised(t *testing.T) {
	r := newPromiseRig(t)
	r.runs(1, on, "first")
	r.posts(2, reset)
	r.after(2 * time.Second)
	r.promised[0]("", errors.New("no space left on device"))
	require.Equal(t, []machine.Outcome{machine.Accepted, machine.Busy}, r.answers)
	r.after(time.Second)
	require.Len(t, r.promised, 1)
	require.False(t, r.Running().Intent == reset)
}

func TestAClientThatJoinsWhatIsPromisedIsKeptBeforeItsAnswer(t *testing.T) {
	r := newPromiseRig(t)
	r.runs(1, on, "first")
	r.posts(2, reset)
	r.after(2 * time.Second)
	r.posts(3, reset)
	require.Empty(t, r.kept, "there is no file yet")
	r.promised[0]("second", nil)
	require.Len(t, r.answers, 2)
	require.Equal(t, uint32(3), r.kept[0].Session)
	r.keeps[0](nil)
	require.Len(t, r.answers, 3)

	r.posts(4, reset)
	require.Len(t, r.kept, 2)
	r.keeps[1](nil)
	require.Equal(t, machine.Accepted, r.answers[3])
}

func TestWhatWasPromisedIsNotCarriedOutAfterAForcedAction(t *testing.T) {
	r := newPromiseRig(t)
	first := r.runs(1, on, "first")
	r.posts(2, shutdown)
	r.after(2 * time.Second)
	r.promised[0]("second", nil)
	r.posts(3, off)
	require.Empty(t, r.over, "the next process would carry it out")
	r.Withdrawn(r.withdrawn[0], r.now)
	require.Equal(t, machine.Superseded, r.over[0].Outcome)
	require.Equal(t, "second", r.over[0].Path, "the next process must know the outcome")
	require.Empty(t, r.forgot)
	r.End(first, machine.Done, r.now)
	require.Equal(t, off, r.started[1].Intent)
}

func TestWhatIsReplacedWhileItIsPromisedHasItsOutcomeInItsFile(t *testing.T) {
	r := newPromiseRig(t)
	r.runs(1, on, "first")
	r.posts(2, shutdown)
	r.after(2 * time.Second)
	r.posts(3, off)
	require.Empty(t, r.withdrawn, "there is no file yet")
	r.promised[0]("second", nil)
	require.Empty(t, r.over)
	r.Withdrawn(r.withdrawn[0], r.now)
	require.Equal(t, machine.Superseded, r.over[0].Outcome)
	require.Contains(t, r.answers, machine.Superseded)
}

func TestThePromiseOfAnEarlierProcessIsKept(t *testing.T) {
	r := newPromiseRig(t)
	running := &Job{Intent: on, Path: "first", Started: r.now, Callers: Callers{{Session: 1, Key: key(on)}}}
	r.Adopt(running)
	waits := &Job{Intent: reset, Path: "second", Asked: r.now, Callers: Callers{{Session: 2, Key: key(reset)}}}
	r.Requeue(waits, r.now)
	r.after(time.Hour)
	require.Empty(t, r.started)
	r.End(running, machine.Done, r.now)
	require.Equal(t, []*Job{waits}, r.started)
	require.False(t, waits.Abandoned())
}

func TestAnOutcomeThatWasNotDeliveredIsOwed(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	require.Equal(t, j, r.Owed(1, key(reset), r.now), "what runs is joined")
	r.ScriptEnded(j)
	require.Equal(t, j, r.Owed(1, key(reset), r.now), "its outcome is being saved")
	r.End(j, machine.Done, r.now)
	require.Equal(t, j, r.Owed(1, key(reset), r.now))
	require.Nil(t, r.Owed(1, key(off), r.now))
	require.Nil(t, r.Owed(2, key(reset), r.now))

	r.delivers(j)
	require.Nil(t, r.Owed(1, key(reset), r.now))
	require.False(t, r.kept[0].owed(), "the next process must know")
	r.delivers(j)
	require.Len(t, r.kept, 1)
}

func TestWhatAnEarlierProcessDidNotDeliverIsOwed(t *testing.T) {
	r := newPromiseRig(t)
	told := &Job{Intent: on, Path: "told", Ended: r.now, Outcome: machine.Done, Callers: Callers{{Session: 1, Key: key(on), Latest: 1, Delivered: 1}}}
	owed := &Job{Intent: off, Path: "owed", Ended: r.now, Outcome: machine.Done, Callers: Callers{{Session: 1, Key: key(off), Latest: 1}}}
	r.Recall(told)
	r.Recall(owed)
	require.Nil(t, r.Owed(1, key(on), r.now))
	require.Equal(t, owed, r.Owed(1, key(off), r.now))
	require.Nil(t, r.Owed(1, key(off), r.now+RepeatHold), "the client has given up")
}

// A client that was answered before its process died, and that switches the machine off again after another client has
// switched it on, must not be told "done" for the first time.
func TestAnOutcomeThatAnotherActionHasMadeOutOfDateIsNotOwed(t *testing.T) {
	ended := func(r *promiseRig, i machine.Intent, after time.Duration) *Job {
		j := &Job{
			Intent: i, Path: string(i.Verb), Started: r.now + after, Ended: r.now + after, Outcome: machine.Done,
			Callers: Callers{{Session: 1, Key: key(i), Latest: 1}},
		}
		r.Recall(j)
		return j
	}
	r := newPromiseRig(t)
	first := ended(r, off, 0)
	require.Equal(t, first, r.Owed(1, key(off), r.now))
	again := ended(r, reset, time.Second)
	last := ended(r, on, 2*time.Second)
	r.now += 3 * time.Second
	require.Nil(t, r.Owed(1, key(off), r.now))
	require.Equal(t, again, r.Owed(1, key(reset), r.now), "a reset would be a second one")
	require.Equal(t, last, r.Owed(1, key(on), r.now))
}

// Without request numbers, only the content tells two requests apart: one was never answered.
func TestTwoRequestsWithoutNumbersAreBothAnswered(t *testing.T) {
	r := newPromiseRig(t)
	var answered []uint64
	for _, content := range []uint64{1, 2} {
		r.Submit(off, nobody, Call[machine.Outcome]{
			Request: Request{Session: 7, Key: content, At: r.now}, Promise: true,
			Answer: func(machine.Outcome) { answered = append(answered, content) },
		})
	}
	r.Begin(r.started[0], "off", true, r.now)
	for _, done := range r.keeps {
		done(nil)
	}
	r.End(r.started[0], machine.Done, r.now)
	require.ElementsMatch(t, []uint64{1, 2}, answered)
}

// A client that joins what the BMC itself wants is promised it: "busy" would have it ask for a second run.
func TestAClientIsPromisedWhatTheBMCItselfWants(t *testing.T) {
	r := newPromiseRig(t)
	r.runs(1, on, "first")
	r.Perform(reset, nobody, machine.CauseWatchdog, r.now)
	r.posts(2, reset)
	r.after(2 * time.Second)
	require.Len(t, r.promised, 1)
	require.NotContains(t, r.answers, machine.Busy)
}

func TestARefusalIsNotOwed(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	r.End(j, machine.WrongState, r.now)
	require.Nil(t, r.Owed(1, key(reset), r.now))
}

func TestAClientThatAsksAgainWhileTheJobRunsIsOwedItsOutcome(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	r.after(2 * time.Second)
	r.delivers(j) // "accepted"
	r.posts(1, reset)
	r.End(j, machine.Done, r.now)
	require.Equal(t, j, r.Owed(1, key(reset), r.now))
}

// written has all callers put into action files that wait for that.
func (r *promiseRig) written() {
	for _, done := range r.keeps {
		done(nil)
	}
	r.keeps = nil
}

// The connection broke while the outcome was being saved.
func TestARepetitionJoinsItsJobWhoseScriptHasEnded(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	r.ScriptEnded(j)
	require.Equal(t, j, r.posts(1, reset))
	require.NotEqual(t, j, r.posts(2, reset), "another client asks after the end")
}

// For a client that asks now, a job that runs while another waits is over. A repetition is not such a request.
func TestARepetitionJoinsItsJobWhileAnotherWaits(t *testing.T) {
	r := newPromiseRig(t)
	first := r.runs(1, reset, "first")
	r.posts(2, on)
	require.Equal(t, first, r.posts(1, reset))

	r.delivers(first)
	r.posts(1, reset)
	require.Equal(t, []machine.Outcome{machine.Busy}, r.answers, "that is a request for another run")
}

func TestARequestAfterAnAnswerThatJoinsIsKept(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	r.after(2 * time.Second)
	r.delivers(j)
	r.posts(1, reset)
	require.Len(t, r.answers, 1, "the next process would not know that the client waits again")
	require.Len(t, r.kept, 2)
	r.written()
	require.Equal(t, []machine.Outcome{machine.Accepted, machine.Accepted}, r.answers)

	// The file says both, in whichever order.
	for _, lines := range [][]Caller{{r.kept[0], r.kept[1]}, {r.kept[1], r.kept[0]}} {
		var all Callers
		for _, c := range lines {
			all.Put(c)
		}
		require.True(t, all[0].owed())
	}
}

// The connection of a client without request numbers waits until there is an answer.
func TestARequestWithoutANumberIsNotDropped(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	r.posts(2, reset)
	r.keeps[0](errors.New("no space left on device"))
	r.End(j, machine.Done, r.now)
	require.Equal(t, []machine.Outcome{machine.Done, machine.Done}, r.answers)
}

func TestARequestWithoutANumberIsNotDroppedForOthers(t *testing.T) {
	r := newPromiseRig(t)
	j := r.runs(1, reset, "first")
	for client := range uint32(maxCalls) {
		r.posts(2+client, reset)
		r.asks(1000+client, 1, reset)
	}
	r.written()
	r.End(j, machine.Done, r.now)
	require.GreaterOrEqual(t, len(r.answers), 1+maxCalls)
}

// A client that was told that a job is accepted must be able to learn why it did not run.
func TestWhyWhatWasPromisedDidNotRunIsKept(t *testing.T) {
	r := newPromiseRig(t)
	first := r.runs(1, on, "first")
	second := r.posts(2, reset)
	r.after(2 * time.Second)
	r.promised[0]("second", nil)
	r.End(first, machine.Done, r.now)
	r.End(second, machine.Unavailable, r.now)
	require.Equal(t, []*Job{second}, r.withdrawn)
	require.Equal(t, []*Job{first}, r.over)
	r.Withdrawn(second, r.now)
	require.Equal(t, []*Job{first, second}, r.over)
	require.Empty(t, r.forgot)
	require.Equal(t, second, r.At("second"))
	require.Nil(t, r.Owed(2, key(reset), r.now), "it may be asked for again at once")
}

func TestARefusalOfAnEarlierProcessIsNotOwed(t *testing.T) {
	r := newPromiseRig(t)
	j := &Job{
		Intent: reset, Path: "first", Ended: r.now, Outcome: machine.WrongState,
		Callers: Callers{{Session: 1, Key: key(reset), Latest: r.now}, {Session: 2, Key: key(reset), Sequence: 7}},
	}
	r.Recall(j)
	require.Nil(t, r.Owed(1, key(reset), r.now))
	require.Nil(t, r.Unanswered(2, 7))
	require.Empty(t, r.forgot)
	require.Equal(t, j, r.At("first"))
}

func TestAClientThatJoinsWhatIsWithdrawnGetsItsOutcome(t *testing.T) {
	r := newPromiseRig(t)
	first := r.runs(1, on, "first")
	second := r.posts(2, reset)
	r.after(2 * time.Second)
	r.promised[0]("second", nil)
	r.End(first, machine.Done, r.now)
	r.posts(3, reset)
	require.Empty(t, r.keeps, "its turn has come, and it has not begun")
	r.End(second, machine.Failed, r.now)
	r.written()
	require.Len(t, r.answers, 2)
	r.Withdrawn(second, r.now)
	require.Equal(t, machine.Failed, r.answers[2])
}

// The promise could not be written, so there is nothing to withdraw.
func TestWhatIsReplacedWhileItCannotBePromised(t *testing.T) {
	r := newPromiseRig(t)
	r.runs(1, on, "first")
	r.posts(2, shutdown)
	r.after(2 * time.Second)
	r.posts(3, off)
	r.promised[0]("", errors.New("no space left on device"))
	require.Empty(t, r.withdrawn)
	require.Equal(t, machine.Superseded, r.over[0].Outcome)
}

// A client that asked for what was promised, and has moved on since, means a second run when it asks again.
func TestTheNextProcessKnowsWhoHasMovedOnFromAPromise(t *testing.T) {
	r := newPromiseRig(t)
	r.runs(1, on, "first")
	second := r.posts(2, reset)
	r.asks(3, 1, reset)
	r.after(2 * time.Second)
	r.promised[0]("second", nil)
	r.sendsOther(3, 2)
	var moved []uint32
	for j, c := range r.MovedOn() {
		require.Equal(t, second, j)
		moved = append(moved, c.Session)
	}
	require.Equal(t, []uint32{3}, moved)
}

// The client has its answer, although another packet of it waits to be kept.
func TestAClientThatWasAnsweredHasMovedOn(t *testing.T) {
	r := newRig(t)
	r.asks(1, 1, reset)
	j := r.ends(machine.Done)
	require.Len(t, r.answers, 1)
	again := r.packet(1, 2, key(reset))
	require.Equal(t, j, r.Receive(again))
	r.Join(j, r.call(again))
	require.Len(t, r.keeps, 1, "it waits to be kept")
	r.sendsOther(1, 3)
	r.keeps[0](nil)
	require.True(t, r.asks(1, 4, reset))
}

// A packet that could not be kept is not answered, also if it comes twice after the death of a process.
func TestAPacketThatWasNotKeptIsNotAnswered(t *testing.T) {
	r := newRig(t)
	j := &Job{Intent: reset, Path: "first", Callers: Callers{{Session: 1, Key: key(reset), RqSeqs: 1 << 1, Sequence: 1}}}
	r.Adopt(j)
	r.sequence[1] = 1
	p := r.packet(1, 2, key(reset))
	require.Equal(t, j, r.Receive(p))
	r.Join(j, r.call(p))
	r.keeps[0](errors.New("no space left on device"))
	require.Nil(t, r.Unanswered(1, p.Sequence))
}
