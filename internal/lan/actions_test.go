package lan

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/test/console"
)

func TestASlowActionIsAcceptedAndItsFailureIsShown(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(5*time.Second, machine.Reading{Err: errors.New("no such guest")})
		r.scripts.script[provider.Status] = takes(0, machine.Reading{On: false})
		c := r.login()
		asked := time.Now()
		r.waits(c, chassis, control, 1, on)
		time.Sleep(1990 * time.Millisecond)
		require.Empty(t, r.answers())
		time.Sleep(20 * time.Millisecond)
		require.Equal(t, "00", r.read(c, r.answers()[0]), "accepted")

		require.Equal(t, "00", r.ask(c, chassis, control, 1, on), "repeated: accepted at once")
		require.Equal(t, "00 00 00 40", r.ask(c, chassis, status, 2), "no fault yet")
		time.Sleep(5 * time.Second)
		require.Equal(t, "00 10 00 40", r.ask(c, chassis, status, 3), "power control fault")
		require.Equal(t, uint32(asked.Add(5*time.Second).Unix()), r.machine.State.Events.Added, "the event is of the end")
		require.Equal(t, []provider.Verb{provider.On, provider.Status, provider.Status}, r.scripts.started())
	})
}

func TestActionsTakeTheirTurn(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(time.Second, machine.Reading{})
		r.scripts.script[provider.Off] = takes(time.Second/2, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, on)
		r.waits(other, chassis, control, 1, off)
		require.Equal(t, busy, r.ask(c, chassis, control, 2, reset), "a third does not fit")
		require.Equal(t, busy, r.ask(other, chassis, control, 2, on), "it would come after off")
		r.waits(c, chassis, control, 3, on) // what c waits for already

		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 2)
		time.Sleep(time.Second)
		require.Equal(t, "00", r.read(other, r.answers()[0]))
		require.Equal(t, []provider.Verb{provider.On, provider.Off}, r.scripts.started())
	})
}

// An action that has not begun could still be lost, so it must not be reported as accepted.
func TestAnActionThatWaitsTooLongIsNotRun(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(10*time.Second, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, on)
		r.waits(other, chassis, control, 1, off)
		time.Sleep(2100 * time.Millisecond)
		answers := r.answers()
		require.Len(t, answers, 2)
		require.Equal(t, "00", r.read(c, answers[0]))
		require.Equal(t, busy, r.read(other, answers[1]))
		time.Sleep(10 * time.Second)
		require.Equal(t, []provider.Verb{provider.On}, r.scripts.started())
	})
}

func TestTwoSessionsThatAskForTheSameActionShareIt(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Cycle] = takes(time.Second, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, cycle)
		r.waits(other, chassis, control, 7, cycle)
		time.Sleep(1100 * time.Millisecond)
		answers := r.answers()
		require.Len(t, answers, 2)
		require.Equal(t, "00", r.read(c, answers[0]))
		require.Equal(t, "00", r.read(other, answers[1]))
		require.Equal(t, []provider.Verb{provider.Cycle}, r.scripts.started())
	})
}

func TestARunningActionIsNotJoinedWithoutPrivilege(t *testing.T) {
	in(t, func(r *rig) {
		c, other := r.login(), r.login()
		require.Equal(t, "00 02", r.ask(other, app, setPrivilege, 1, 2))
		r.waits(c, chassis, control, 1, on)
		require.Equal(t, insufficient, r.ask(other, chassis, control, 2, on))
	})
}

func TestStatusRequestsThatWaitTogetherShareARun(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Status] = takes(time.Second, machine.Reading{On: true})
		c, other := r.login(), r.login()
		r.waits(c, chassis, status, 1)
		r.waits(c, chassis, status, 2)
		r.waits(other, chassis, status, 1)
		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 3)
		require.Len(t, r.scripts.started(), 1)
	})
}

// A status that was read before "on" ended may be old. A client that asks later must not get
// it.
func TestAStatusIsNotOlderThanTheRequest(t *testing.T) {
	in(t, func(r *rig) {
		var powered atomic.Bool
		r.scripts.script[provider.Status] = func() machine.Reading {
			seen := powered.Load()
			time.Sleep(time.Second)
			return machine.Reading{On: seen}
		}
		r.scripts.script[provider.On] = func() machine.Reading { powered.Store(true); return machine.Reading{} }
		c, other := r.login(), r.login()
		r.waits(other, chassis, status, 1)
		require.Equal(t, "00", r.ask(c, chassis, control, 1, on))
		r.waits(c, chassis, status, 2)

		time.Sleep(1100 * time.Millisecond)
		require.Equal(t, "00 00 10 40", r.read(other, r.answers()[0]), "asked before")
		time.Sleep(time.Second)
		require.Equal(t, "00 01 10 40", r.read(c, r.answers()[0]), "asked after")
	})
}

func TestAHangingScriptDelaysNoOtherRequest(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.waits(c, chassis, status, 1)
		r.waits(c, chassis, control, 2, on)
		require.Contains(t, r.ask(c, app, getDeviceID, 3), "00 20 01")
		r.login()
	})
}

// A query that does not even end when its time is up keeps neither later queries from being answered nor the process from
// its end.
func TestAQueryThatHangsIsLeftBehind(t *testing.T) {
	in(t, func(r *rig) {
		hangs := make(chan struct{})
		defer close(hangs)
		r.scripts.script[provider.Status] = func() machine.Reading {
			<-hangs
			return machine.Reading{}
		}
		c := r.login()
		r.waits(c, chassis, status, 1)
		time.Sleep(17 * time.Second) // the time limit, and queryPatience
		require.Equal(t, "c3", r.read(c, r.answers()[0]))
		r.scripts.mu.Lock()
		r.scripts.script[provider.Status] = takes(0, machine.Reading{On: true})
		r.scripts.mu.Unlock()
		require.Equal(t, "00 01 00 40", r.ask(c, chassis, status, 2))
		r.stop()
	})
}

func TestABootDeviceThatIsRefusedInTimeIsToldSo(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.BootSet] = takes(1900*time.Millisecond, machine.Reading{Err: errors.New("no such device")})
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0)
		time.Sleep(1900 * time.Millisecond)
		require.Equal(t, "ff", r.read(c, r.answers()[0]))
		require.Equal(t, "00", r.ask(c, chassis, control, 2, on), "the client knows")
	})
}

// The action that runs may use up the boot flags, so equal boot flags are set once more.
func TestABootDeviceThatIsSetWhilePowerRuns(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.BootSet] = takes(0, machine.Reading{})
		r.scripts.script[provider.On] = takes(time.Second, machine.Reading{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0))
		r.waits(c, chassis, control, 2, on)
		r.waits(c, chassis, setBootOptions, 3, 5, 0x80, 4, 0, 0, 0)
		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 2)
		require.Equal(t, []provider.Verb{provider.BootSet, provider.On, provider.BootSet}, r.scripts.started())
		require.Equal(t, "00 01 05 80 04 00 00 00", r.ask(c, chassis, 0x09, 4, 5, 0, 0))
	})
}

func TestAClientJoinsAnActionOfTheBMC(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(time.Minute, machine.Reading{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 1, 4, hardReset, 0, 0, 10, 0))
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 2))
		time.Sleep(2 * time.Second)
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
		r.waits(c, chassis, control, 3, reset)
		time.Sleep(2100 * time.Millisecond)
		require.Equal(t, "00", r.read(c, r.answers()[0]))
		require.NotContains(t, r.status, "invalid")
		require.Len(t, r.scripts.started(), 1)
	})
}

// A client that retransmits takes the answer to its latest request.
func TestTooManyWaiters(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Status] = takes(10*time.Second, machine.Reading{On: true})
		var consoles []*console.Console
		for range 3 {
			consoles = append(consoles, r.login())
		}
		for n := range byte(30) {
			for _, c := range consoles {
				r.waits(c, chassis, status, n+1)
			}
		}
		time.Sleep(10 * time.Second)
		answers := r.answers()
		require.Len(t, answers, rqSeqs)
		for i, c := range consoles {
			_, plain := c.Read(answers[rqSeqs-len(consoles)+i])
			require.Equal(t, byte(30<<2), plain[4], "rqSeq")
		}
	})
}

// A forced off, cycle or reset does not wait for a guest that is shutting down.
func TestAShutdownIsCutShort(t *testing.T) {
	for forced, verb := range map[byte]provider.Verb{off: provider.Off, cycle: provider.Cycle, reset: provider.Reset} {
		in(t, func(r *rig) {
			r.scripts.script[verb] = takes(0, machine.Reading{})
			c := r.login()
			r.waits(c, chassis, control, 1, shutdown)
			time.Sleep(3 * time.Second)
			require.Equal(t, "00", r.read(c, r.answers()[0]))
			require.Equal(t, "00", r.ask(c, chassis, control, 2, forced))
			require.Equal(t, []provider.Verb{provider.Shutdown, verb}, r.scripts.started())
			require.False(t, r.machine.State.PowerFault)
		})
	}
}

// A retransmission of the shutdown that arrives late must not shut down a machine that was
// switched on since.
func TestAShutdownThatWasCutShortIsNotRepeated(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Cycle] = takes(0, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, shutdown)
		late := c.Packet(console.Request(chassis, control, 1, shutdown))
		time.Sleep(3 * time.Second)
		require.Len(t, r.answers(), 1, "accepted")
		require.Equal(t, "00", r.ask(c, chassis, control, 2, cycle))
		require.Equal(t, "d5", r.read(c, r.one(late)))
		require.Equal(t, []provider.Verb{provider.Shutdown, provider.Cycle}, r.scripts.started())
	})
}

// The watchdog does not wait for the guest either, and does not block a client's "off".
func TestTheWatchdogCutsAShutdownShort(t *testing.T) {
	for action, ran := range map[byte][]provider.Verb{
		1: {provider.Shutdown, provider.Reset, provider.Off},
		2: {provider.Shutdown, provider.Off},
	} {
		in(t, func(r *rig) {
			r.scripts.script[provider.Off] = takes(0, machine.Reading{})
			r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
			c := r.login()
			r.waits(c, chassis, control, 1, shutdown)
			require.Equal(t, "00", r.ask(c, app, setWatchdog, 2, 4, action, 0, 0, 10, 0))
			require.Equal(t, "00", r.ask(c, app, resetWatchdog, 3))
			time.Sleep(2 * time.Second)
			r.answers()
			if action == 1 {
				require.Equal(t, "00", r.ask(c, chassis, control, 4, off))
			}
			require.Equal(t, ran, r.scripts.started())
		})
	}
}

// Timers fire on time during a flood of datagrams.
func TestAFloodDelaysNoTimer(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		for range 3000 {
			r.conn.in <- []byte("garbage")
			time.Sleep(900 * time.Microsecond)
		}
		require.Equal(t, "00", r.read(c, r.answers()[0]), "accepted")
	})
}

// "No boot device" must not be undone when an earlier request ends.
func TestNoBootDeviceWhileAnotherIsSet(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.BootSet] = takes(5*time.Second, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0)
		require.Equal(t, busy, r.ask(c, chassis, setBootOptions, 2, 5, 0x80, 0, 0, 0, 0))
	})
}
