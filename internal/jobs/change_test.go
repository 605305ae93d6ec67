package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

const (
	addEntry = 50 // each rqSeq is another one
	clearLog = 51
)

// changes has a session ask for a change with its next packet, and returns the job if that is new.
func (r *rig) changes(session uint32, rqSeq byte, key uint64) *Job {
	p := r.packet(session, rqSeq, key)
	if j := r.Receive(p); j != nil {
		r.Join(j, r.call(p))
		return nil
	}
	return r.Change(r.call(p), key == addEntry, []byte{rqSeq})
}

// saved has a session make a change that is saved at once.
func (r *rig) saved(session uint32, rqSeq byte, key uint64) {
	r.Helper()
	j := r.changes(session, rqSeq, key)
	require.NotNil(r, j)
	r.EndChange(j, machine.Done, r.now)
}

func TestAChangeIsAnsweredOnceItIsSaved(t *testing.T) {
	r := newRig(t)
	j := r.changes(1, 1, clearLog)
	require.Nil(t, r.changes(1, 2, clearLog), "repeated while it is saved")
	require.Empty(t, r.answers)
	r.EndChange(j, machine.Done, r.now)
	r.told(machine.Done, machine.Done)
	require.Nil(t, r.changes(1, 1, clearLog))
	r.told(machine.Done)
}

func TestAChangeThatCannotBeSavedWasNotMade(t *testing.T) {
	r := newRig(t)
	late := r.packet(1, 1, clearLog)
	j := r.changes(1, 2, clearLog)
	r.EndChange(j, machine.Failed, r.now)
	r.told(machine.Failed)
	require.Zero(t, r.RepeatableUntil())
	require.Equal(t, j, r.Receive(late), "its client was told that it failed")
	require.NotNil(t, r.changes(1, 2, clearLog), "it may be tried again")
}

func TestAnEntryIsAddedForEachRqSeq(t *testing.T) {
	r := newRig(t)
	r.saved(1, 1, addEntry)
	r.saved(1, 2, addEntry)
	for _, rqSeq := range []byte{1, 2} {
		j := r.Receive(r.packet(1, rqSeq, addEntry))
		require.Equal(t, []byte{rqSeq}, j.Data, "the answer of its own entry")
	}
	r.saved(2, 1, addEntry)
}

func TestAClientWithOneRqSeqAddsAnEntryEachTime(t *testing.T) {
	r := newRig(t)
	r.sendsOther(1, 0)
	r.saved(1, 0, addEntry)
	r.saved(1, 0, addEntry)
	j := r.changes(1, 0, addEntry)
	require.NotNil(t, j)
	require.Nil(t, r.changes(1, 0, addEntry), "it has no answer yet: it repeats itself")
	r.EndChange(j, machine.Done, r.now)
}

func TestChangesDoNotPushOutActions(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	for n := range 4 * maxChanges {
		r.saved(2, byte(n%rqSeqs), uint64(1000+n))
	}
	require.False(t, r.asks(1, 1, reset))
	require.Len(t, r.sessions[2].changes, maxChanges)
}

func TestTheProcessStaysAsLongAsAChangeCanBeRepeated(t *testing.T) {
	r := newRig(t)
	require.Zero(t, r.RepeatableUntil())
	r.saved(1, 1, clearLog)
	require.Equal(t, r.now+RepeatHold, r.RepeatableUntil())
}

// Both sessions may have missed the answer, not only the one that asked last.
func TestTheNextProcessKnowsTheChangesOfAllSessions(t *testing.T) {
	first := newRig(t)
	first.saved(1, 1, addEntry)
	first.after(time.Second)
	first.saved(2, 1, addEntry)
	first.changes(3, 1, clearLog) // which is being saved
	all := first.Changes(first.now)
	require.Len(t, all, 3)

	r := newRig(t)
	r.now, r.sequence = first.now, first.sequence
	for _, c := range all {
		r.RecallChange(c)
	}
	require.Equal(t, r.now+RepeatHold, r.RepeatableUntil())
	require.NotNil(t, r.Unanswered(2, 1), "the identical datagram")
	require.Nil(t, r.Unanswered(2, 1))
	for session := range uint32(3) {
		require.Nil(t, r.changes(session+1, 1, []uint64{addEntry, addEntry, clearLog}[session]))
	}
	r.told(machine.Done, machine.Done, machine.Done)
	r.saved(1, 2, addEntry)
}

func TestOnlyTheLatestChangesAreKeptForTheNextProcess(t *testing.T) {
	r := newRig(t)
	r.saved(1, 1, clearLog)
	r.after(RepeatHold)
	for n := range byte(20) {
		r.saved(2, n, addEntry)
		r.after(time.Millisecond)
	}
	all := r.Changes(r.now)
	require.Len(t, all, maxKeptChanges)
	require.Equal(t, []byte{19}, all[maxKeptChanges-1].Data)
}
