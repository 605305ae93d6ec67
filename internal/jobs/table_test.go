package jobs

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

var (
	on       = machine.Intent{Verb: provider.On}
	off      = machine.Intent{Verb: provider.Off}
	reset    = machine.Intent{Verb: provider.Reset}
	shutdown = machine.Intent{Verb: provider.Shutdown}

	nobody machine.Asker
)

// key is the hash of a request for an intent.
func key(i machine.Intent) uint64 {
	return map[machine.Intent]uint64{on: 1, off: 2, reset: 3, shutdown: 4}[i]
}

// other is the content of a request that has nothing to do with any job.
const other = 99

// A rig is a table, and all that it had done.
type rig struct {
	*testing.T
	Table
	now      time.Duration
	sequence map[uint32]uint32 // of the last packet of each session
	started  []*Job
	answers  []machine.Outcome
	aborted  []*Job
	forgot   []string
	asked    []*Question
	keeps    []func(error) // tell that a caller is in the action file, or cannot be
	kept     []Caller
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, now: time.Hour, sequence: make(map[uint32]uint32)}
	r.Table = Table{
		AnswerAfter: 2 * time.Second,
		Start:       func(j *Job) { r.started = append(r.started, j) },
		Keep: func(_ *Job, c Caller, done func(error)) {
			r.kept = append(r.kept, c)
			r.keeps = append(r.keeps, done)
		},
		Abort:  func(j *Job) { r.aborted = append(r.aborted, j) },
		Forget: func(j *Job) { r.forgot = append(r.forgot, j.Path) },
		Ask:    func(q *Question) { r.asked = append(r.asked, q) },
	}
	return r
}

// after lets time pass.
func (r *rig) after(d time.Duration) {
	r.now += d
	r.Expire(r.now)
}

// packet is the next packet of a session.
func (r *rig) packet(session uint32, rqSeq byte, key uint64) Request {
	r.sequence[session]++
	return Request{Session: session, Sequence: r.sequence[session], RqSeq: rqSeq, Key: key, At: r.now}
}

func (r *rig) call(p Request) Call[machine.Outcome] {
	return Call[machine.Outcome]{Request: p, Answer: func(o machine.Outcome) { r.answers = append(r.answers, o) }}
}

// arrives has a packet for an intent arrive, and reports whether it is new.
func (r *rig) arrives(p Request, i machine.Intent) bool {
	if j := r.Receive(p); j != nil {
		r.Join(j, r.call(p))
		return false
	}
	r.Submit(i, nobody, r.call(p))
	return true
}

// asks has a session ask for an intent with its next packet, and reports whether that is new.
func (r *rig) asks(session uint32, rqSeq byte, i machine.Intent) bool {
	return r.arrives(r.packet(session, rqSeq, key(i)), i)
}

// sendsOther has a session send a request that is answered at once.
func (r *rig) sendsOther(session uint32, rqSeq byte) {
	require.Nil(r, r.Receive(r.packet(session, rqSeq, other)))
}

// begin has the script of the latest job begin.
func (r *rig) begin() *Job {
	j := r.started[len(r.started)-1]
	r.Begin(j, "action."+string(rune('0'+len(r.started))), true, r.now)
	return j
}

// ends has the latest job run and end.
func (r *rig) ends(o machine.Outcome) *Job {
	j := r.started[len(r.started)-1]
	if j.State == Starting {
		r.begin()
	}
	r.ScriptEnded(j)
	r.End(j, o, r.now)
	return j
}

// done has a session ask for an intent, and the job done at once.
func (r *rig) done(session uint32, rqSeq byte, i machine.Intent) *Job {
	require.True(r, r.asks(session, rqSeq, i))
	return r.ends(machine.Done)
}

func (r *rig) told(want ...machine.Outcome) {
	r.Helper()
	require.Equal(r, want, r.answers)
	r.answers = nil
}

func TestRepetitionsOfAJobThatIsOver(t *testing.T) {
	tests := map[string]struct {
		after time.Duration
		lost  int // packets in between
		rqSeq byte
		again bool
	}{
		"ipmitool keeps its rqSeq, 19 s later":     {19 * time.Second, 0, 1, true},
		"20 s later nothing is remembered":         {20 * time.Second, 0, 1, false},
		"FreeIPMI changes its rqSeq, 5 s later":    {5 * time.Second, 0, 2, true},
		"another rqSeq, more than 5 s later":       {5*time.Second + 1, 0, 2, false},
		"two packets of FreeIPMI were lost, 15 s":  {15 * time.Second, 2, 4, true},
		"one packet was lost, more than 10 s":      {10*time.Second + 1, 1, 3, false},
		"three packets were lost, but 20 s passed": {20 * time.Second, 3, 5, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.done(1, 1, reset)
			r.after(tt.after)
			r.sequence[1] += uint32(tt.lost)
			require.Equal(t, tt.again, !r.asks(1, tt.rqSeq, reset))
		})
	}
}

func TestAClientThatHasSentAnotherRequestMeansANewOne(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	r.sendsOther(1, 2)
	require.True(t, r.asks(1, 3, reset))
}

func TestAnotherRequestIsNoSignUnderTheSameRqSeq(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	r.sendsOther(1, 2) // a keep-alive
	require.False(t, r.asks(1, 1, reset))
}

func TestAnRqSeqThatHasComeRoundMeansANewRequest(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	for n := range byte(rqSeqs - 1) {
		r.sendsOther(1, (n+2)%rqSeqs)
	}
	require.True(t, r.asks(1, 1, reset))
}

func TestAPacketThatWasOvertakenIsNoNewRequest(t *testing.T) {
	for name, between := range map[string]func(r *rig){
		"by another request":     func(r *rig) { r.sendsOther(1, 3) },
		"by its own repetition":  func(r *rig) { r.asks(1, 4, reset) },
		"by a second run":        func(r *rig) { r.after(30 * time.Second); r.done(1, 4, reset) },
		"by seconds, and it ran": func(r *rig) { r.after(19 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			late := r.packet(1, 1, key(reset))
			r.done(1, 2, reset)
			between(r)
			late.At = r.now
			require.False(t, r.arrives(late, reset))
		})
	}
}

func TestALateRequestForSomethingElseIsNoSign(t *testing.T) {
	r := newRig(t)
	late := r.packet(1, 1, other)
	r.done(1, 2, reset)
	require.Nil(t, r.Receive(late))
	require.False(t, r.asks(1, 3, reset))
}

func TestASessionThatWaitsHasNotMovedOn(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.sendsOther(1, 2)
	r.ends(machine.Done)
	require.False(t, r.asks(1, 3, reset))
}

func TestASessionThatWasToldThatAJobIsAcceptedMayMoveOn(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	r.after(3 * time.Second)
	r.told(machine.Accepted)
	r.sendsOther(1, 2)
	r.ends(machine.Done)
	require.True(t, r.asks(1, 3, reset))
}

// A repetition that crossed the answer waits while the outcome is saved.
func TestASessionThatWaitsOnceMoreAfterItsAnswerMayMoveOn(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	j := r.begin()
	r.after(3 * time.Second)
	r.told(machine.Accepted)
	r.ScriptEnded(j)
	require.False(t, r.asks(1, 1, reset))
	r.sendsOther(1, 2)
	r.End(j, machine.Done, r.now)
	require.True(t, r.asks(1, 3, reset))
}

// The client has moved on between the two, but not since the second.
func TestASecondRequestThatJoinsTheSameJobIsRepeated(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	r.after(3 * time.Second)
	r.sendsOther(1, 2)
	require.True(t, r.asks(1, 3, reset))
	r.keeps[0](nil)
	r.ends(machine.Done)
	require.False(t, r.asks(1, 4, reset))
	require.Len(t, r.started, 1)
}

// The second request was refused. Its repetition must not get the answer of the first.
func TestANewRequestForTheSameIsASignThatTheClientHasMovedOn(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, on)
	r.after(12 * time.Second)
	require.True(t, r.asks(2, 1, off))
	r.begin()
	require.True(t, r.asks(1, 2, on))
	r.after(2 * time.Second)
	r.told(machine.Done, machine.Accepted, machine.Busy)
	require.True(t, r.asks(1, 3, on), "15 s for three packets")
}

func TestAClientWithOneRqSeqIsKnownByTheTimeAlone(t *testing.T) {
	for after, again := range map[time.Duration]bool{5 * time.Second: true, 5*time.Second + 1: false} {
		r := newRig(t)
		r.sendsOther(1, 0)
		r.done(1, 0, reset)
		r.after(after)
		require.Equal(t, again, !r.asks(1, 0, reset))
	}
}

// rqSeq 5 comes round while a copy of the packet in which it was used before is under way.
func TestALatePacketDoesNotShowThatAClientUsesOneRqSeq(t *testing.T) {
	r := newRig(t)
	late := r.packet(1, 5, other)
	r.done(1, 5, reset)
	require.Nil(t, r.Receive(late))
	r.after(10 * time.Second)
	require.False(t, r.asks(1, 5, reset))
}

func TestAnotherSessionMeansANewRun(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	require.True(t, r.asks(2, 1, reset))
	require.Len(t, r.started, 2)
}

func TestASessionThatAsksForWhatRunsSharesTheRun(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	r.begin()
	require.True(t, r.asks(2, 1, reset))
	r.keeps[0](nil)
	r.ends(machine.Failed)
	r.told(machine.Failed, machine.Failed)
	require.False(t, r.asks(2, 1, reset), "it is remembered too")
	require.Len(t, r.started, 1)
}

// It would be told of a run that ended before it asked.
func TestARunWhoseScriptHasEndedIsNotShared(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, reset))
	first := r.begin()
	r.ScriptEnded(first)
	require.True(t, r.asks(2, 1, reset))
	r.after(2 * time.Second)
	r.told(machine.Busy)
	require.True(t, r.asks(2, 2, reset), "refused, it may ask again at once")
	r.End(first, machine.Done, r.now)
	require.Len(t, r.started, 2)
}

func TestActionsTakeTheirTurn(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	require.True(t, r.asks(2, 1, off))
	require.True(t, r.asks(1, 2, reset))
	r.told(machine.Busy)
	require.True(t, r.asks(2, 2, on), "for session 2, on would come after off")
	r.told(machine.Busy)
	require.False(t, r.asks(1, 1, on), "session 1 waits for it")
	r.ends(machine.Done)
	require.Len(t, r.started, 2)
	r.ends(machine.Failed)
	r.told(machine.Done, machine.Failed)
}

func TestAJobThatWaitsTooLongIsGivenUp(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	r.begin()
	require.True(t, r.asks(2, 1, off))
	require.Equal(t, r.now+2*time.Second, r.Due(time.Duration(1<<62)))
	r.after(2 * time.Second)
	r.told(machine.Accepted, machine.Busy)
	r.ends(machine.Done)
	require.Len(t, r.started, 1)
	require.False(t, r.Acting())
}

func TestARefusalMayBeTriedAgainAtOnce(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	r.ends(machine.WrongState)
	require.True(t, r.asks(1, 1, on))
	require.Equal(t, []string{"action.1"}, r.forgot)
}

// The client was told that nothing was done.
func TestAPacketThatComesAfterItsRepetitionWasRefusedIsNotCarriedOut(t *testing.T) {
	refusals := map[string]func(r *rig){
		"by the script": func(r *rig) {
			r.asks(1, 2, on)
			r.ends(machine.Busy)
		},
		"for another job that waits": func(r *rig) {
			r.asks(2, 1, off)
			r.asks(2, 2, reset)
			r.asks(1, 2, on)
			r.ends(machine.Done)
			r.ends(machine.Done)
			r.answers = r.answers[:1]
		},
		"for a job that runs too long": func(r *rig) {
			r.asks(2, 1, off)
			r.asks(1, 2, on)
			r.after(2 * time.Second)
			r.ends(machine.Done)
			r.answers = r.answers[:1]
		},
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			late := r.packet(1, 1, key(on))
			refuse(r)
			r.told(machine.Busy)
			runs := len(r.started)
			late.At = r.now
			require.False(t, r.arrives(late, on))
			r.told(machine.Busy)
			require.Len(t, r.started, runs)
		})
	}
}

func TestAForcedActionCutsAShutdownShort(t *testing.T) {
	for _, forced := range []machine.Intent{off, reset, {Verb: provider.Cycle}} {
		r := newRig(t)
		require.True(t, r.asks(1, 1, shutdown))
		running := r.begin()
		r.Perform(forced, nobody, machine.CauseWatchdog, r.now)
		require.Equal(t, []*Job{running}, r.aborted)
	}
	r := newRig(t)
	require.True(t, r.asks(1, 1, shutdown))
	require.True(t, r.asks(2, 1, on))
	require.Empty(t, r.aborted)
}

// A start that waits until the guest is off is also cut short: the guest was asked long enough.
func TestAForcedActionCutsAStartThatWaitsForTheGuestShort(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	running := r.begin()
	running.Yields = true
	require.True(t, r.asks(2, 1, off))
	require.Equal(t, []*Job{running}, r.aborted)
}

// A start waits longer than other actions if the boot device is being set.
func TestAStartWaitsForTheBootDevice(t *testing.T) {
	for _, c := range []struct {
		intent machine.Intent
		waits  time.Duration
	}{{on, startPatience}, {reset, startPatience}, {off, 2 * time.Second}} {
		r := newRig(t)
		require.True(t, r.asks(1, 1, machine.Intent{Verb: provider.BootSet}))
		running := r.begin()
		require.True(t, r.asks(2, 1, c.intent))
		r.after(2*time.Second - 1)
		require.False(t, running.Accepted)
		r.told()
		r.after(1)
		require.True(t, running.Accepted)
		if c.waits > 2*time.Second {
			r.told(machine.Accepted)
			r.after(c.waits - 2*time.Second)
			r.told(machine.Busy)
		} else {
			r.told(machine.Accepted, machine.Busy)
		}
	}
}

// The watchdog must not wait for a guest that was not even asked.
func TestAForcedActionTakesThePlaceOfAShutdownThatWaits(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	require.True(t, r.asks(2, 1, shutdown))
	r.Perform(off, nobody, machine.CauseWatchdog, r.now)
	r.told(machine.Superseded)
	require.False(t, r.asks(2, 1, shutdown), "it must not shut down what is switched on later")
	r.told(machine.Superseded)
	r.ends(machine.Done)
	require.Equal(t, off, r.started[1].Intent)
}

// A client that ejects an image does not want it inserted. Power actions wait for the end of an insert:
// the machine is to boot from the image.
func TestEjectCutsAnInsertShort(t *testing.T) {
	insert := machine.Intent{Verb: provider.MediaInsert, Media: machine.Media{URL: "http://h/a.iso"}}
	eject := machine.Intent{Verb: provider.MediaEject}
	for _, i := range []machine.Intent{on, off, reset, shutdown} {
		r := newRig(t)
		r.Submit(insert, nobody, r.call(r.packet(1, 1, 5)))
		r.begin()
		require.True(t, r.asks(1, 2, i))
		require.Empty(t, r.aborted)
		require.Len(t, r.started, 1)
		r.ends(machine.Done)
		require.Equal(t, i, r.started[1].Intent)
	}
	r := newRig(t)
	r.Submit(insert, nobody, r.call(r.packet(1, 1, 5)))
	r.begin()
	r.Submit(eject, nobody, r.call(r.packet(1, 2, 6)))
	require.Equal(t, r.started, r.aborted)
	r.ends(machine.Superseded)
	require.Equal(t, eject, r.started[1].Intent)
	r.Submit(insert, nobody, r.call(r.packet(1, 3, 5)))
	require.Len(t, r.aborted, 1, "an insert waits for the end of an eject")
	require.Equal(t, []machine.Intent{insert}, slices.Collect(r.Joinable()))
	require.Equal(t, []machine.Intent{eject, insert}, slices.Collect(r.Unfinished()))
}

func TestAnActionOfTheBMCItselfWaitsAsLongAsItMust(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	r.Perform(off, nobody, machine.CauseWatchdog, r.now)
	require.True(t, r.asks(2, 1, off), "a client may wait for it")
	r.after(time.Minute)
	r.told(machine.Busy)
	r.ends(machine.Done)
	require.Equal(t, off, r.started[1].Intent)
}

// A process that is killed before the script begins leaves an action that never ran.
func TestAnActionIsNotAcceptedBeforeItsScriptHasBegun(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	r.after(3 * time.Second)
	j := r.begin()
	r.after(0)
	require.Empty(t, r.answers)
	require.Equal(t, r.now+beginning, r.Due(time.Duration(1<<62)))
	r.ScriptEnded(j)
	r.after(time.Second)
	require.Empty(t, r.answers, "the outcome is known")
	r.End(j, machine.Failed, r.now)
	r.told(machine.Failed)
}

func TestASessionThatEndsWantsNothingAnyMore(t *testing.T) {
	r := newRig(t)
	require.True(t, r.asks(1, 1, on))
	require.True(t, r.asks(2, 1, off))
	require.True(t, r.asks(3, 1, off))
	r.Leave(2)
	r.Leave(1)
	require.True(t, r.started[0].Abandoned())
	r.ends(machine.Done)
	r.ends(machine.Done)
	r.told(machine.Done)

	require.True(t, r.asks(4, 1, on))
	require.True(t, r.asks(5, 1, off))
	r.Leave(5)
	r.ends(machine.Done)
	require.Len(t, r.started, 3, "off was not begun")
}

func TestTooManyActionsAreForgottenWithTheirFiles(t *testing.T) {
	r := newRig(t)
	for range maxActions {
		r.done(1, 1, on)
		r.sendsOther(1, 2)
		r.done(1, 3, off)
		r.sendsOther(1, 4)
		r.sequence[1] += rqSeqs
	}
	require.Len(t, r.over, maxActions)
	require.Len(t, r.forgot, maxActions)
	r.after(RepeatHold)
	r.done(1, 5, reset)
	require.Len(t, r.over, 1)
}

func TestReceivingARequestAllocatesNothing(t *testing.T) {
	r := newRig(t)
	r.done(1, 1, reset)
	p := r.packet(1, 2, other)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r.Receive(p)
		r.Expire(r.now)
		r.Due(r.now)
	}))
}

func TestSessionsThatAreGoneAreForgotten(t *testing.T) {
	r := newRig(t)
	r.sendsOther(1, 1)
	r.sendsOther(2, 1)
	r.ForgetSessions(func(session uint32) bool { return session == 2 })
	require.Equal(t, 1, r.Sessions())
}

// A client that repeats itself takes the answer to its latest packet.
func TestIfTooManyWaitTheFirstOfTheSameSessionIsDropped(t *testing.T) {
	var all calls[machine.Outcome]
	for n := range byte(40) {
		for session := range uint32(2) {
			all.join(Call[machine.Outcome]{Request: Request{Session: session + 1, RqSeq: n, Sequence: uint32(n) + 1}})
		}
	}
	require.Len(t, all, maxCalls)
	for session := range uint32(2) {
		require.GreaterOrEqual(t, all.index(Request{Session: session + 1, RqSeq: 39, Sequence: 40}), 0)
		require.Negative(t, all.index(Request{Session: session + 1, RqSeq: 0, Sequence: 1}))
	}
	all.join(Call[machine.Outcome]{Request: Request{Session: 1, RqSeq: 39, Sequence: 41}})
	require.Len(t, all, maxCalls, "repeated, it waits once")
}

// A client that has sent its last packet gets no other answer.
func TestTheOnlyCallOfASessionIsNotDropped(t *testing.T) {
	var all calls[machine.Outcome]
	all.join(Call[machine.Outcome]{Request: Request{Session: 1, Sequence: 1}})
	for n := range byte(maxCalls) {
		all.join(Call[machine.Outcome]{Request: Request{Session: 2, RqSeq: n, Sequence: uint32(n) + 1}})
	}
	require.Len(t, all, maxCalls)
	for session := range uint32(maxCalls) {
		all.join(Call[machine.Outcome]{Request: Request{Session: 3 + session, Sequence: 1}})
	}
	for session := range uint32(maxCalls + 2) {
		require.True(t, all.have(session+1), "session %d", session+1)
	}
	require.Len(t, all, maxCalls+2)
}

// What a front of HTTP has in the place of a session may be the ID of a session of IPMI.
func TestARequestWithoutANumberOutlivesASessionOfTheSameID(t *testing.T) {
	var all calls[machine.Outcome]
	all.join(Call[machine.Outcome]{Request: Request{Session: 7, Key: 1}})
	all.join(Call[machine.Outcome]{Request: Request{Session: 7, Key: 2, Sequence: 1}})
	all.leave(7)
	require.Len(t, all, 1)
	require.Zero(t, all[0].Sequence)
}

var errDisk = errors.New("no space left on device")
