package console

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Input.

func TestAPacketIsAcknowledgedAtOnce(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "ls\r"))
	r.requireSent(alice, ack(1, 3))
	require.Equal(t, "ls\r", string(r.typed))
}

func TestARepeatedPacketIsAcknowledgedAgainAndTypedOnce(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "ls\r"))
	r.from(alice, data(1, "ls\r"))
	r.requireSent(alice, ack(1, 3), ack(1, 3))
	require.Equal(t, "ls\r", string(r.typed))
}

func TestCharactersThatAreAppendedToARepetitionAreTyped(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "ls"))
	r.from(alice, data(1, "ls -l"))
	r.from(alice, data(1, "ls -l"))
	r.requireSent(alice, ack(1, 2), ack(1, 5), ack(1, 5))
	require.Equal(t, "ls -l", string(r.typed))
}

func TestEveryNumberButTheLastIsNew(t *testing.T) {
	r := opened(t)
	var want []rmcp.SOL
	for _, number := range []rmcp.SOLNumber{1, 9, 3, 15, 1, 2} {
		r.from(alice, data(number, "x"))
		want = append(want, ack(number, 1))
	}
	r.requireSent(alice, want...)
	require.Equal(t, "xxxxxx", string(r.typed))
}

// The client sends packet 1 twice, and the network delays one of the two.
func TestAPacketThatWasOvertakenIsDropped(t *testing.T) {
	r := opened(t)
	r.Receive(alice, 11, data(1, "a"), r.now)
	r.Receive(alice, 13, data(2, "b"), r.now)
	r.settle()
	r.took()
	r.Receive(alice, 12, data(1, "a"), r.now)
	r.settle()
	require.Empty(t, r.took())
	require.Equal(t, "ab", string(r.typed))
}

func TestAWholePacketOfPyghmiIsAccepted(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, fill(255)))
	r.requireSent(alice, ack(1, 255))
	require.Equal(t, fill(255), string(r.typed))
}

func TestAnEmptyPacketIsAcknowledgedAndCausesNoWrite(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "x"))
	r.from(alice, data(2, ""))
	writes := r.writes
	r.took()
	for i := range 100 {
		r.from(alice, data(rmcp.SOLNumber(i%15+1), ""))
		r.requireSent(alice, ack(rmcp.SOLNumber(i%15+1), 0))
	}
	require.Equal(t, writes, r.writes)
}

// After a crash, number 1 is not taken for a repetition although the packets in between
// were never written.
func TestAnEmptyPacketIsNotForgottenByARestart(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "a"))
	for number := rmcp.SOLNumber(2); number <= rmcp.LastNumber; number++ {
		r.from(alice, data(number, ""))
	}
	r.restart()
	r.from(alice, data(1, "b"))
	require.Equal(t, "ab", string(r.typed))
}

func TestABreakIsReportedOnce(t *testing.T) {
	r := opened(t)
	send := rmcp.SOL{Number: 4, Flags: rmcp.SOLBreak, Data: []byte{}}
	r.from(alice, send)
	r.from(alice, send)
	r.requireSent(alice, ack(4, 0), ack(4, 0))
	require.True(t, r.Break())
	require.False(t, r.Break())

	r.restart()
	r.from(alice, send)
	require.False(t, r.Break(), "the repetition of a packet before the restart")
}

func TestWhatIsTypedWithoutAScriptIsAcceptedAndDropped(t *testing.T) {
	r := opened(t)
	r.Disconnect()
	r.from(alice, data(1, "lost"))
	r.from(alice, rmcp.SOL{Number: 2, Flags: rmcp.SOLBreak, Data: []byte{}})
	r.requireSent(alice, ack(1, 4), ack(2, 0))
	r.Connect()
	r.from(alice, data(3, "kept"))
	require.Equal(t, "kept", string(r.typed))
	require.False(t, r.Break())
}

func TestWhatAScriptHasNotReadIsDroppedWhenItEnds(t *testing.T) {
	r := opened(t)
	r.deaf = true
	r.from(alice, data(1, "for the old script"))
	r.Disconnect()
	r.Connect()
	r.deaf = false
	r.settle()
	require.Empty(t, r.typed)
	r.restart()
	r.settle()
	require.Empty(t, r.typed)
}

// paste fills the input of a script that reads nothing, and returns the number of the next
// packet.
func paste(r *rig) rmcp.SOLNumber {
	r.deaf = true
	number := rmcp.SOLNumber(1)
	for sent := 0; sent+250 <= ringLen; sent += 250 {
		r.from(r.Sessions()[0], data(number, fill(250)))
		number = number.Next()
	}
	r.took()
	return number
}

func TestAPacketThatDoesNotFitIsAcknowledgedInPartAfter700ms(t *testing.T) {
	r := opened(t)
	number := paste(r) // leaves 36 bytes
	r.from(alice, data(number, fill(40)))
	r.pass(699 * time.Millisecond)
	require.Empty(t, r.took())
	r.from(alice, data(number, fill(40)))
	require.Empty(t, r.took(), "a repetition waits, too")
	r.pass(time.Millisecond)
	r.requireSent(alice, ack(number, 36))

	r.from(alice, data(number.Next(), fill(4)))
	r.pass(700 * time.Millisecond)
	r.requireSent(alice, ack(number.Next(), 0))
}

func TestAPacketThatWaitsForRoomIsAcknowledgedWhenItFits(t *testing.T) {
	r := opened(t)
	number := paste(r)
	r.from(alice, data(number, fill(40)))
	require.Len(t, r.Typed(), 255)
	require.LessOrEqual(t, r.Due(never), r.now)
	r.settle()
	r.requireSent(alice, ack(number, 40))
}

func TestAPacketThatWaitsForRoomIsForgottenWhenANewOneComes(t *testing.T) {
	r := opened(t)
	number := paste(r)
	r.from(alice, data(number, "old"+fill(40)))
	r.pass(100 * time.Millisecond)
	r.from(alice, data(number.Next(), "new"))
	r.requireSent(alice, ack(number.Next(), 3))
	r.deaf = false
	r.pass(time.Second)
	require.True(t, strings.HasSuffix(string(r.typed), "new"))
	require.NotContains(t, string(r.typed), "old")
}

// The client may have seen the first acknowledgment and have sent the rest under another
// number already.
func TestTheRestOfAPartialPacketIsNotTakenFromItsRepetition(t *testing.T) {
	r := opened(t)
	number := paste(r)
	r.from(alice, data(number, fill(40)))
	r.pass(700 * time.Millisecond)
	r.deaf = false
	r.settle()
	r.took()
	r.from(alice, data(number, fill(40)))
	r.requireSent(alice, ack(number, 36))
}

func TestNoOutputIsSentWhileAPacketWaitsForItsAcknowledgment(t *testing.T) {
	r := opened(t)
	number := paste(r)
	r.from(alice, data(number, fill(40)))
	r.prints("output\n")
	r.pass(699 * time.Millisecond)
	require.Empty(t, r.took())
	r.pass(time.Millisecond)
	r.requireSent(alice, rmcp.SOL{Number: 1, Acked: number, Accepted: 36, Data: []byte("output\n")})
}

// Output.

func TestOutputWaits60msForMore(t *testing.T) {
	r := opened(t)
	r.prints("log")
	r.pass(30 * time.Millisecond)
	r.prints("in: ")
	r.pass(29 * time.Millisecond)
	require.Empty(t, r.took())
	r.pass(time.Millisecond)
	r.requireSent(alice, data(1, "login: "))
}

func TestAFullPacketIsSentAtOnce(t *testing.T) {
	r := opened(t)
	r.prints(fill(300))
	r.requireSent(alice, data(1, fill(255)))
}

func TestTheEchoOfAKeyIsSentAtOnce(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "x"))
	r.prints("x")
	r.requireSent(alice, ack(1, 1), data(1, "x"))
}

func TestAnAcknowledgmentAndOutputShareAPacket(t *testing.T) {
	r := opened(t)
	r.prints("login: ")
	r.now += 60 * time.Millisecond
	r.from(alice, data(1, "root\r"))
	r.requireSent(alice, rmcp.SOL{Number: 1, Acked: 1, Accepted: 5, Data: []byte("login: ")})
}

func TestOnePacketIsUnderWayAtATime(t *testing.T) {
	r := opened(t)
	text := fill(1000)
	r.prints(text)
	r.requireSent(alice, data(1, text[:255]))
	r.from(alice, ack(1, 255))
	r.requireSent(alice, data(2, text[255:510]))
	r.from(alice, ack(1, 255))
	require.Empty(t, r.took(), "an old acknowledgment")
}

func TestNumbersWrapFrom15To1(t *testing.T) {
	r := opened(t)
	r.prints(fill(255 * 16))
	for i := range 16 {
		number := rmcp.SOLNumber(i%15 + 1)
		r.requireSent(alice, data(number, fill(255 * 16)[255*i:255*(i+1)]))
		r.from(alice, ack(number, 255))
	}
	require.Empty(t, r.took())
}

// The client acknowledges each packet in one datagram, and the network delays the first of
// these datagrams until its number comes round again.
func TestAnAcknowledgmentOfAnEarlierRoundIsDropped(t *testing.T) {
	for name, between := range map[string]func(*rig){
		"in one activation": func(*rig) {},
		"over a restart":    (*rig).restart,
		"over an activation": func(r *rig) {
			r.Deactivate(1, client(alice), r.now)
			r.activate(1, alice)
		},
		"over an activation and a restart": func(r *rig) {
			r.Deactivate(1, client(alice), r.now)
			r.settle()
			r.restart()
			r.activate(1, alice)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := opened(t)
			prints := func(number rmcp.SOLNumber) {
				r.prints("x")
				r.pass(60 * time.Millisecond)
				r.requireSent(alice, data(number, "x"))
			}
			late := r.sequence + 1
			for number := rmcp.SOLNumber(1); number <= rmcp.LastNumber; number++ {
				prints(number)
				r.from(alice, ack(number, 1))
			}
			between(r)
			r.pass(quietTime)
			prints(1)
			r.Receive(alice, late, ack(1, 1), r.now)
			r.pass(DefaultSettings.RetryInterval)
			r.requireSent(alice, data(1, "x"))
			r.from(alice, ack(1, 1))
			prints(2)
		})
	}
}

func TestTheRestOfAPacketIsSentUnderTheNextNumber(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	r.took()
	r.from(alice, ack(1, 250))
	r.requireSent(alice, data(2, fill(255)[250:]))
}

func TestAClientThatAcceptsNothingIsAskedAgainAfterTheInterval(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	r.took()
	r.from(alice, rmcp.SOL{Acked: 1, Flags: rmcp.SOLNack})
	r.pass(499 * time.Millisecond)
	require.Empty(t, r.took())
	r.pass(time.Millisecond)
	r.requireSent(alice, data(2, fill(255)))
}

func TestARepetitionIsIdentical(t *testing.T) {
	r := opened(t)
	r.prints("a")
	r.pass(60 * time.Millisecond)
	r.prints("b")
	r.took()
	r.pass(500 * time.Millisecond)
	r.requireSent(alice, data(1, "a"))
}

func TestRepetitionsSlowDownAndNeverEnd(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	start := r.now
	var after []time.Duration
	for len(after) < 12 {
		r.pass(10 * time.Millisecond)
		if len(r.took()) > 0 {
			after = append(after, (r.now - start).Round(100*time.Millisecond))
		}
	}
	ms := time.Millisecond
	require.Equal(t, []time.Duration{
		0, 500 * ms, 1000 * ms, 1500 * ms, 2000 * ms, 2500 * ms, 3000 * ms, 3500 * ms, 5500 * ms, 7500 * ms, 9500 * ms, 11500 * ms,
	}, after)
}

func TestARepetitionWaitsAtLeast10ms(t *testing.T) {
	r := opened(t)
	r.RetryInterval = 0
	r.prints(fill(255))
	r.took()
	r.pass(9 * time.Millisecond)
	require.Empty(t, r.took())
	r.pass(time.Millisecond)
	require.Len(t, r.took(), 1)
}

func TestAnAcknowledgmentDoesNotRepeatOutput(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	r.took()
	r.from(alice, data(1, "x"))
	r.requireSent(alice, ack(1, 1))
}

func TestAFullRingBlocksTheScriptUntilTheClientAcknowledges(t *testing.T) {
	r := opened(t)
	var printed strings.Builder
	for len(r.Room()) > 0 {
		n := copy(r.Room(), fill(readLen))
		r.Printed(n, r.now)
		printed.WriteString(fill(readLen)[:n])
		r.settle()
	}
	require.Greater(t, printed.Len(), 50<<10)
	require.Less(t, printed.Len(), 64<<10)
	require.Equal(t, printed.String(), r.acknowledgeAll(alice))
	require.NotEmpty(t, r.Room())
}

func TestWithoutAClientTheOldestOutputIsOverwritten(t *testing.T) {
	r := newRig(t)
	for range 100 {
		r.prints(fill(4096))
	}
	log := r.Log()
	require.Equal(t, outputLen, len(log[0])+len(log[1]))
	require.Equal(t, strings.Repeat(fill(4096), 15), string(log[0])+string(log[1]))
}

func TestALineOfTheBMCStandsAlone(t *testing.T) {
	r := opened(t)
	r.prints("login: ")
	r.Print("[console: exit status 1]", r.now)
	r.Print("[console: started]", r.now)
	require.Equal(t, "login: \r\n[console: exit status 1]\r\n[console: started]\r\n", r.acknowledgeAll(alice))
}

func TestALineOfTheBMCNeverOverwritesOutputForTheClient(t *testing.T) {
	r := opened(t)
	total := 0
	for len(r.Room()) > 0 {
		n := len(r.Room())
		r.prints(fill(n))
		total += n
	}
	for range 1000 {
		r.Print("[console: exit status 1]", r.now)
	}
	got := r.acknowledgeAll(alice)
	require.NotContains(t, got, "lost")
	require.Contains(t, got, "[console: exit status 1]")
	require.Greater(t, len(got), total)
}

func TestAClientThatPollsGetsOutputOnlyWithAnAcknowledgment(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, ""))
	r.requireSent(alice, ack(1, 0))
	r.prints(fill(300))
	r.pass(100 * time.Millisecond)
	require.Empty(t, r.took())
	r.from(alice, data(2, ""))
	r.requireSent(alice, rmcp.SOL{Number: 1, Acked: 2, Data: []byte(fill(255))})
	r.pass(100 * time.Millisecond)
	r.from(alice, rmcp.SOL{Number: 3, Acked: 1, Accepted: 255, Data: []byte("x")})
	r.requireSent(alice, rmcp.SOL{Number: 2, Acked: 3, Accepted: 1, Data: []byte(fill(300)[255:])})
}

func TestAClientThatAcknowledgesByItselfGetsOutputAtAnyTime(t *testing.T) {
	r := opened(t)
	r.prints(fill(600))
	r.took()
	r.from(alice, data(1, ""))
	r.from(alice, ack(1, 255))
	r.requireSent(alice, ack(1, 0), data(2, fill(600)[255:510]))
}

func TestAClientThatStopsPollingGetsItsOutput(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, ""))
	r.took()
	r.prints(fill(255))
	r.pass(999 * time.Millisecond)
	require.Empty(t, r.took())
	r.pass(time.Millisecond)
	r.requireSent(alice, data(1, fill(255)))
}

// Replay.

const liveMark = "\r\n[console: output from here on is live]\r\n"

func TestAnActivationReplaysTheLastScreenful(t *testing.T) {
	r := newRig(t)
	r.Replay = true
	r.prints(fill(5000))
	r.activate(1, alice)
	got := r.acknowledgeAll(alice)
	require.True(t, strings.HasSuffix(got, liveMark), got)
	replayed := strings.TrimSuffix(got, liveMark)
	require.True(t, strings.HasSuffix(fill(5000), "\n"+replayed))
	require.InDelta(t, replayLen, len(replayed), 16)

	r.prints("new")
	require.Equal(t, "new", r.acknowledgeAll(alice))
}

func TestAShortLogIsReplayedWhole(t *testing.T) {
	r := newRig(t)
	r.Replay = true
	r.prints("login: ")
	r.activate(1, alice)
	require.Equal(t, "login: "+liveMark, r.acknowledgeAll(alice))
}

func TestAnEmptyLogNeedsNoMark(t *testing.T) {
	r := newRig(t)
	r.Replay = true
	r.activate(1, alice)
	require.Empty(t, r.acknowledgeAll(alice))
}

func TestWithoutReplayAClientGetsOnlyNewOutput(t *testing.T) {
	r := newRig(t)
	r.prints("old")
	r.activate(1, alice)
	r.prints("new")
	require.Equal(t, "new", r.acknowledgeAll(alice))
}

func TestOutputWaitsForTheResponseToTheActivation(t *testing.T) {
	r := newRig(t)
	r.activate(1, alice)
	r.prints(fill(255))
	r.pass(9 * time.Millisecond)
	require.Empty(t, r.took())
	r.pass(time.Millisecond)
	require.Len(t, r.took(), 1)
}

// Activation and deactivation.

func TestASecondClientIsRefusedWhileTheOwnerLives(t *testing.T) {
	r := opened(t)
	r.now = r.heard[alice] + 35*time.Second - 1
	require.Equal(t, Occupied, r.activate(1, bob))
	r.prints(fill(255))
	require.Len(t, r.took(), 1)
}

func TestASecondClientTakesOverFromASilentOwner(t *testing.T) {
	r := opened(t)
	r.now = r.heard[alice] + 35*time.Second
	require.Equal(t, Granted, r.activate(1, bob))
	r.from(bob, data(1, "x"))
	r.from(alice, data(1, "y"))
	require.Equal(t, "x", string(r.typed))
}

func TestAnActivationThatIsRepeatedChangesNothing(t *testing.T) {
	r := opened(t)
	r.prints(fill(300))
	r.took()
	require.Equal(t, Granted, r.activate(1, alice))
	r.from(alice, ack(1, 255))
	r.pass(60 * time.Millisecond)
	r.requireSent(alice, data(2, fill(300)[255:]))
}

func TestASessionHasOneInstance(t *testing.T) {
	r := opened(t)
	require.Equal(t, OnlyOne, r.activate(2, alice))
}

func TestAnotherSessionCanDeactivateAndThenActivate(t *testing.T) {
	r := opened(t)
	require.True(t, r.Deactivate(1, client(bob), r.now))
	require.Equal(t, Granted, r.activate(1, bob))
	r.from(bob, data(1, "x"))
	require.Equal(t, "x", string(r.typed))
	require.Equal(t, bob, int(only(t, r).Session))
}

// only returns the one payload that is active.
func only(t *testing.T, r *rig) Payload {
	var all []Payload
	for p := range r.Payloads() {
		all = append(all, p)
	}
	require.Len(t, all, 1)
	return all[0]
}

func TestNobodyHasAnInstanceAfterItsOwnDeactivation(t *testing.T) {
	r := opened(t)
	require.True(t, r.Deactivate(1, client(alice), r.now))
	require.False(t, r.Deactivate(1, client(alice), r.now))
	require.False(t, r.Open())
	r.settle()
	require.Empty(t, r.took())
	r.from(alice, ack(1, 1))
	require.Empty(t, r.took(), "an acknowledgment that comes late is no reason for an answer")
}

func TestAClientThatLosesTheConsoleGetsItsOutputThenTheReasonThenThePacket(t *testing.T) {
	r := opened(t)
	r.prints("last words")
	r.Deactivate(1, client(bob), r.now)
	r.prints("not for alice")
	r.settle()
	const text = "last words\r\n[console closed by bob from 192.0.2.7]\r\n"
	r.requireSent(alice, data(1, text))
	r.from(alice, data(1, "nor from alice"))
	r.requireSent(alice, ack(1, 14))
	r.from(alice, ack(1, len(text)))
	r.requireSent(alice, rmcp.SOL{Flags: rmcp.SOLDeactivated, Data: []byte{}})
	require.Empty(t, r.typed)
	require.False(t, r.Open())
}

func TestAClientThatDoesNotAnswerIsGivenUpAfter5s(t *testing.T) {
	r := opened(t)
	r.Deactivate(1, client(bob), r.now)
	r.pass(5*time.Second - 1)
	for _, p := range r.took() {
		require.Zero(t, p.Flags)
	}
	r.pass(1)
	r.requireSent(alice, rmcp.SOL{Flags: rmcp.SOLDeactivated, Data: []byte{}})
	require.Equal(t, never, r.Due(never))
}

func TestASessionWithoutAPayloadIsToldOnce(t *testing.T) {
	r := opened(t)
	for range 3 {
		r.from(bob, data(1, "x"))
		r.from(bob, data(2, "y"))
	}
	r.requireSent(bob, rmcp.SOL{Flags: rmcp.SOLDeactivated, Data: []byte{}})
	require.Empty(t, r.typed)
}

func TestTheEndOfASessionEndsItsPayload(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	r.Leave(alice)
	r.took()
	require.False(t, r.Open())
	r.pass(time.Minute)
	require.Empty(t, r.took())
	require.Equal(t, Granted, r.activate(1, bob))
}

// Otherwise the client takes the first output for a repetition: sol looptest activates
// many times in a session.
func TestNumbersGoOnWhenASessionActivatesAgain(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	r.from(alice, ack(1, 255))
	r.Deactivate(1, client(alice), r.now)
	r.activate(1, alice)
	r.took()
	r.pass(time.Second)
	r.prints(fill(255))
	r.requireSent(alice, data(2, fill(255)))
}

func TestARestAtTheConsoleNeedsNoTimer(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "x"))
	r.prints("x")
	r.from(alice, ack(1, 1))
	require.Equal(t, never, r.Due(never))
}

// Watchers.

func TestAWatcherSeesEverythingAndTypesNothing(t *testing.T) {
	r := opened(t)
	r.activate(2, bob)
	r.pass(time.Second)
	r.prints(fill(255))
	require.Len(t, r.took(), 2)
	r.from(bob, data(1, "rm -rf /"))
	r.from(bob, rmcp.SOL{Number: 2, Flags: rmcp.SOLBreak, Data: []byte{}})
	r.requireSent(bob, ack(1, 8), ack(2, 0))
	require.Empty(t, r.typed)
	require.False(t, r.Break())
}

func TestASlowWatcherLosesLinesAndTheOwnerNone(t *testing.T) {
	r := opened(t)
	r.activate(2, bob)
	r.pass(time.Second)
	var printed, seen strings.Builder
	for range 100 {
		r.prints(fill(4096))
		printed.WriteString(fill(4096))
		seen.WriteString(r.acknowledgeAll(alice))
	}
	require.Equal(t, printed.String(), seen.String())

	r.settle()
	r.pass(2 * time.Second)
	got := r.acknowledgeAll(bob)
	require.Regexp(t, `characters lost\]\r\n0123456789abcde\n`, got)
	_, tail, _ := strings.Cut(got, "lost]\r\n")
	require.True(t, strings.HasSuffix(printed.String(), tail))
	require.Greater(t, len(tail), 60000)
}

func TestFourClientsHaveTheConsoleAtOnce(t *testing.T) {
	r := newRig(t)
	for i := range uint32(Instances) {
		require.Equal(t, Granted, r.activate(int(i)+1, 100+i))
	}
	r.pass(time.Second)
	r.prints(fill(255))
	require.Len(t, r.took(), Instances)
}

// The client has accepted a part of a packet, and the rest leaves no room for the notice.
func TestASlowWatcherIsAlwaysToldThatItLosesLines(t *testing.T) {
	r := newRig(t)
	r.activate(2, bob)
	r.pass(time.Second)
	r.prints(fill(255))
	r.took()
	for range 20 {
		r.prints(fill(4096))
	}
	r.from(bob, ack(1, 5))
	r.requireSent(bob, data(2, fill(255)[5:]))
	r.from(bob, ack(2, 250))
	got := r.took()
	require.Len(t, got, 1)
	require.Regexp(t, `^\r\n\[console: \d+ characters lost\]\r\n0123`, string(got[0].Data))
}
