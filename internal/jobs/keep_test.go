package jobs

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

func TestASessionIsInTheActionFileBeforeItIsAnswered(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	require.False(t, r.asks(1, 1, reset), "the same rqSeq is in the file")
	require.Empty(t, r.kept)
	require.True(t, r.asks(2, 7, reset))
	require.Equal(t, []Caller{{Session: 2, Key: key(reset), RqSeqs: 1 << 7, Sequence: 1, Latest: r.now}}, r.kept)
	r.after(3 * time.Second)
	r.told(machine.Accepted)
	r.keeps[0](nil)
	r.after(0)
	r.told(machine.Accepted)
}

// A process that dies after the answer and before the line would leave a request that runs again.
func TestASessionThatIsBeingKeptWhenTheJobEndsIsAnsweredAfterwards(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	require.True(t, r.asks(2, 1, reset))
	r.ends(machine.Done)
	r.told(machine.Done)
	require.False(t, r.asks(2, 1, reset), "repeated, it waits for the same line")
	require.Len(t, r.keeps, 1)
	r.keeps[0](nil)
	r.told(machine.Done)
}

func TestASessionThatIsBeingKeptIsRefusedAtOnce(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	require.True(t, r.asks(2, 1, reset))
	r.ends(machine.WrongState)
	r.told(machine.WrongState, machine.WrongState)
	r.keeps[0](errDisk)
	require.Empty(t, r.answers)
}

func TestASessionThatJoinsWhileTheFileIsMadeIsAddedToIt(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	require.True(t, r.asks(2, 1, reset))
	require.True(t, r.asks(3, 1, on))
	require.False(t, r.asks(2, 1, reset), "it has joined what does not run yet, though on waits")
	require.Empty(t, r.kept)
	r.begin()
	require.Len(t, r.kept, 1)
	r.keeps[0](nil)
	r.ends(machine.Done)
	r.told(machine.Done, machine.Done)
}

func TestAllThatWaitForAFileThatCannotBeMadeAreRemembered(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	require.True(t, r.asks(2, 1, reset))
	r.End(r.started[0], machine.Failed, r.now)
	r.told(machine.Failed, machine.Failed)
	require.False(t, r.asks(2, 1, reset))
}

func TestASessionThatCannotBeKeptHasNoAnswer(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	require.True(t, r.asks(2, 1, reset))
	r.keeps[0](errDisk)
	require.False(t, r.asks(2, 1, reset), "it repeats its request")
	require.Len(t, r.keeps, 2, "which is kept this time")
	r.keeps[1](nil)
	r.ends(machine.Done)
	r.told(machine.Done, machine.Done)
}

// FreeIPMI's latest packet is kept before an earlier one.
func TestALineOfALaterPacketIsEnoughForAnEarlierOne(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	require.False(t, r.asks(1, 2, reset))
	require.False(t, r.asks(1, 3, reset))
	r.keeps[1](nil)
	require.Empty(t, r.unkept(1))
	r.keeps[0](nil)
	r.ends(machine.Done)
	require.Len(t, r.answers, 3)
}

func (r *rig) unkept(started int) []Call[machine.Outcome] { return r.started[started-1].unkept }

func TestARepetitionAfterTheEndIsKeptUnderANewRqSeq(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	r.told(machine.Done)
	require.False(t, r.asks(1, 2, reset))
	require.Empty(t, r.answers)
	r.keeps[0](nil)
	r.told(machine.Done)
	require.Equal(t, uint64(1<<1|1<<2), r.kept[0].RqSeqs)
}

// The next process would take a later repetition for a new request: too much time has passed since what the file says.
func TestARepetitionIsKeptUnderTheSameRqSeqIfTheFileIsTooOldForIt(t *testing.T) {
	r := newRig(t)
	r.sendsOther(1, 0)
	require.True(t, r.asks(1, 0, reset))
	r.begin()
	r.after(5 * time.Second)
	require.False(t, r.asks(1, 0, reset))
	require.Empty(t, r.kept)
	r.after(6 * time.Second)
	require.False(t, r.asks(1, 0, reset))
	require.Len(t, r.kept, 1)
	require.Equal(t, r.now, r.kept[0].Latest)
}

// What the file says is old, but the packet has a high number: the next process would recognize it.
func TestALaterPacketThatNeedsNoLineTakesThePlaceOfAnEarlierOne(t *testing.T) {
	r := newRig(t)
	r.sendsOther(1, 0)
	require.True(t, r.asks(1, 0, reset))
	r.begin()
	r.after(6 * time.Second)
	require.False(t, r.asks(1, 0, reset))
	r.after(time.Second)
	require.False(t, r.asks(1, 0, reset))
	r.told(machine.Accepted, machine.Accepted)
	r.keeps[0](nil)
	require.Empty(t, r.answers)
}

// next is a rig with the next process: it knows what the file of a job says.
func (r *rig) next(j *Job, callers ...Caller) *rig {
	n := newRig(r.T)
	n.now, n.sequence = r.now, r.sequence
	n.Recall(&Job{Intent: j.Intent, Path: j.Path, Outcome: j.Outcome, Ended: j.Ended, Callers: callers})
	return n
}

func TestTheNextProcessKnowsWhoAskedForAnActionThatHasEnded(t *testing.T) {
	first := newRig(t)
	j := first.done(1, 1, reset)
	r := first.next(j, j.Callers...)
	r.after(5 * time.Second)
	require.False(t, r.asks(1, 1, reset))
	r.told(machine.Done)
	require.True(t, r.asks(2, 1, reset))
}

func TestTheNextProcessKnowsWhoAskedForAnActionThatRuns(t *testing.T) {
	first := newRig(t)
	first.asks(1, 1, reset)
	callers := first.begin().Callers
	r := newRig(t)
	r.now, r.sequence = first.now, first.sequence
	j := &Job{Intent: reset, Accept: true, Asked: r.now, Path: "action.1", Callers: callers}
	r.Adopt(j)
	require.Equal(t, j, r.Running())
	require.False(t, r.asks(1, 2, reset))
	r.keeps[0](nil)
	r.ScriptEnded(j)
	r.End(j, machine.TimedOut, r.now)
	r.told(machine.TimedOut)
	require.Empty(t, r.started)
}

// go-ipmi sends the identical datagram again, whose number was accepted by a process that was killed.
func TestTheNextProcessAnswersAPacketOnce(t *testing.T) {
	first := newRig(t)
	j := first.done(1, 1, reset)
	r := first.next(j, j.Callers...)
	require.Nil(t, r.Unanswered(2, 1))
	require.Nil(t, r.Unanswered(1, 2))
	again := r.Unanswered(1, 1)
	require.Equal(t, reset, again.Intent)
	r.Wait(again, r.call(Request{Session: 1, Sequence: 1, RqSeq: 1, Key: key(reset)}))
	r.told(machine.Done)
	require.Nil(t, r.Unanswered(1, 1))
}

// The first was refused, but the process was killed before it removed the file.
func TestTheNextProcessPrefersTheJobThatASessionAskedForLast(t *testing.T) {
	first := newRig(t)
	require.True(t, first.asks(1, 1, reset))
	stale := first.begin().Callers
	first.ends(machine.Busy)
	j := first.done(1, 2, reset)
	r := first.next(j, j.Callers...)
	r.Adopt(&Job{Intent: reset, Accept: true, Asked: r.now, Path: "action.1", Callers: stale})
	require.False(t, r.asks(1, 2, reset))
	r.told(machine.Done)
}

// Its copy arrives late: the client has asked again, and waits for that.
func TestTheNextProcessDoesNotAnswerAPacketAfterALaterOne(t *testing.T) {
	first := newRig(t)
	require.True(t, first.asks(1, 1, reset))
	callers := first.begin().Callers
	r := newRig(t)
	r.now, r.sequence = first.now, first.sequence
	j := &Job{Intent: reset, Accept: true, Asked: r.now, Path: "action.1", Callers: callers}
	r.Adopt(j)
	r.End(j, machine.Unsupported, r.now)
	require.True(t, r.asks(1, 1, reset))
	require.Nil(t, r.Unanswered(1, 1))
}

func TestTheNextProcessKnowsThatAClientHasMovedOn(t *testing.T) {
	first := newRig(t)
	j := first.done(1, 1, reset)
	for range first.MovedOn() {
		t.Fatal("it has not")
	}
	first.after(time.Second)
	first.sendsOther(1, 2)
	first.after(time.Second)
	first.sendsOther(1, 3)
	callers := Callers(j.Callers)
	for of, c := range first.MovedOn() {
		require.Equal(t, j, of)
		callers.Put(c)
	}
	r := first.next(j, callers...)
	r.after(10 * time.Second)
	require.True(t, r.asks(1, 4, reset), "12 s for three packets")

	for range r.MovedOn() {
		t.Fatal("the file says so already")
	}
}

func TestLinesOfAnActionFileAreMergedInAnyOrder(t *testing.T) {
	lines := []Caller{
		{Session: 1, Key: 1, RqSeqs: 1, Sequence: 1, Latest: 1},
		{Session: 1, Key: 1, RqSeqs: 1 | 4, Sequence: 3, Latest: 3, Constant: true},
		{Session: 1, Key: 1, RqSeqs: 1 | 2, Sequence: 2, Latest: 2},
		{Session: 1, Key: 2, RqSeqs: 8, Sequence: 4, Latest: 4},
		{Session: 1, Key: 1, RqSeqs: 1, Sequence: 3, Latest: 3, Moved: 5},
	}
	want := Callers{{Session: 1, Key: 1, RqSeqs: 7, Sequence: 3, Latest: 3, Constant: true, Moved: 5}, lines[3]}
	for first := range lines {
		var all Callers
		for n := range lines {
			all.Put(lines[(first+n)%len(lines)])
		}
		require.ElementsMatch(t, want, all)
	}
}

func TestACallerMovesBackIfALaterPacketAsksForTheJob(t *testing.T) {
	c := Caller{Sequence: 1, Moved: 3}
	c.merge(Caller{Sequence: 2})
	require.EqualValues(t, 3, c.Moved, "a packet that was overtaken")
	c.merge(Caller{Sequence: 4})
	require.Zero(t, c.Moved)
}

func TestACallerIsKeptInTheFileAsItIs(t *testing.T) {
	c := Caller{Session: 1, Key: 2, RqSeqs: 3, Sequence: 4, Latest: 5, Moved: 6, Constant: true}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	var read Caller
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, c, read)
}
