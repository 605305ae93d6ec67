package bmc

import (
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/test/console"
)

func hexOf(s string) string {
	return strings.TrimSpace(hex.Dump([]byte(s))[10:min(58, 10+3*len(s)+len(s)/8)])
}

// Network functions, commands and data of the requests in these tests.
const (
	chassis, app = 0x00, 0x06

	status, control    = 0x01, 0x02
	off, on, cycle     = 0x00, 0x01, 0x02
	reset              = 0x03
	getDeviceID        = 0x01
	setBootOptions     = 0x08
	setPrivilege       = 0x3B
	busy, insufficient = "c0", "d4"
)

// in runs a test in virtual time.
func in(t *testing.T, test func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer func() {
			for _, end := range r.end {
				end()
			}
		}()
		test(r)
	})
}

func TestConsolesThatRepeatThemselvesWhileAScriptRuns(t *testing.T) {
	tests := map[string]struct {
		repeat func(r *rig, c *console.Console, first []byte) // twice
		want   int                                            // answers
	}{
		"ipmitool: same rqSeq": {func(r *rig, c *console.Console, _ []byte) {
			r.waits(c, chassis, control, 1, reset)
			r.waits(c, chassis, control, 1, reset)
		}, 1},
		"FreeIPMI: new rqSeq": {func(r *rig, c *console.Console, _ []byte) {
			r.waits(c, chassis, control, 2, reset)
			r.waits(c, chassis, control, 3, reset)
		}, 3},
		"go-ipmi: identical datagram": {func(r *rig, _ *console.Console, first []byte) {
			require.Empty(r.t, r.send(first))
			require.Empty(r.t, r.send(first))
		}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.script[provider.Reset] = takes(1500*time.Millisecond, ipmi.Result{})
				c := r.login()
				first := r.waits(c, chassis, control, 1, reset)
				time.Sleep(time.Second)
				tt.repeat(r, c, first)

				time.Sleep(time.Second)
				answers := r.answers()
				require.Len(t, answers, tt.want)
				for _, a := range answers {
					require.Equal(t, "00", r.read(c, a))
				}
				require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
			})
		})
	}
}

func TestRepetitionsAfterTheScriptHasEnded(t *testing.T) {
	tests := map[string]struct {
		after time.Duration
		rqSeq byte
		then  func(r *rig, c *console.Console)
		runs  int
	}{
		"same rqSeq, at once":              {0, 1, nil, 1},
		"same rqSeq, 19 s later":           {19 * time.Second, 1, nil, 1},
		"same rqSeq, 21 s later":           {21 * time.Second, 1, nil, 2},
		"other rqSeq, 1.9 s later":         {1900 * time.Millisecond, 2, nil, 1},
		"other rqSeq, 2.1 s later":         {2100 * time.Millisecond, 2, nil, 2},
		"same rqSeq, a keep-alive came by": {time.Second, 1, func(r *rig, c *console.Console) { r.ask(c, app, getDeviceID, 2) }, 1},
		"same rqSeq, it has come round": {time.Second, 1, func(r *rig, c *console.Console) {
			for n := range byte(64) {
				r.ask(c, app, getDeviceID, (n+2)%64)
			}
		}, 2},
		"other rqSeq, another command came by":  {time.Second, 3, func(r *rig, c *console.Console) { r.ask(c, app, getDeviceID, 2) }, 2},
		"constant rqSeq is no sign, 3 s later":  {3 * time.Second, 0, nil, 2},
		"constant rqSeq, repeated within 1.9 s": {1900 * time.Millisecond, 0, nil, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.script[provider.Reset] = takes(0, ipmi.Result{})
				c := r.login() // used rqSeq 0
				rqSeq := min(tt.rqSeq, 1)
				require.Equal(t, "00", r.ask(c, chassis, control, rqSeq, reset))
				time.Sleep(tt.after)
				if tt.then != nil {
					tt.then(r, c)
				}
				require.Equal(t, "00", r.ask(c, chassis, control, tt.rqSeq, reset))
				require.Len(t, r.scripts.started(), tt.runs)
			})
		})
	}
}

// A repetition that the network delivers late has a lower sequence number than
// the command that followed.
func TestARepetitionThatIsOvertakenIsStillOne(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, ipmi.Result{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		late := c.Packet(console.Request(chassis, control, 1, reset))
		r.ask(c, app, getDeviceID, 2)

		require.Equal(t, "00", r.read(c, r.one(late)))
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
	})
}

func TestAnIdenticalDatagramIsAnsweredAgainFourTimes(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(0, ipmi.Result{})
		c := r.login()
		b := c.Packet(console.Request(chassis, control, 1, on))
		sequence, plain := c.Read(r.one(b))
		for range 4 {
			again, same := c.Read(r.one(b))
			require.Equal(t, plain, same)
			require.Equal(t, sequence+1, again, "a sequence number of its own")
			sequence = again
		}
		require.Empty(t, r.send(b))
		require.Equal(t, []provider.Verb{provider.On}, r.scripts.started())

		fresh := c.Packet(console.Request(app, getDeviceID, 2))
		r.one(fresh)
		time.Sleep(11 * time.Second)
		require.Empty(t, r.send(fresh), "too late")
	})
}

func TestASlowActionIsAcceptedAndItsFailureIsShown(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(5*time.Second, ipmi.Result{Err: errors.New("no such guest")})
		r.scripts.script[provider.Status] = takes(0, ipmi.Result{On: false})
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
		require.Equal(t, uint32(asked.Add(5*time.Second).Unix()), r.server.BMC.State.SEL.Added, "the event is of the end")
		require.Equal(t, []provider.Verb{provider.On, provider.Status, provider.Status}, r.scripts.started())
	})
}

func TestActionsTakeTheirTurn(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(time.Second, ipmi.Result{})
		r.scripts.script[provider.Off] = takes(time.Second/2, ipmi.Result{})
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

// What has not begun must not be reported as accepted: it could still be lost.
func TestAnActionThatWaitsTooLongIsNotRun(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(10*time.Second, ipmi.Result{})
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
		r.scripts.script[provider.Cycle] = takes(time.Second, ipmi.Result{})
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
		r.scripts.script[provider.Status] = takes(time.Second, ipmi.Result{On: true})
		c, other := r.login(), r.login()
		r.waits(c, chassis, status, 1)
		r.waits(c, chassis, status, 2)
		r.waits(other, chassis, status, 1)
		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 3)
		require.Len(t, r.scripts.started(), 1)
	})
}

// A status that was read before "on" ended may be old: nobody who asks later may
// be told so.
func TestAStatusIsNotOlderThanTheRequest(t *testing.T) {
	in(t, func(r *rig) {
		var powered atomic.Bool
		r.scripts.script[provider.Status] = func() ipmi.Result {
			seen := powered.Load()
			time.Sleep(time.Second)
			return ipmi.Result{On: seen}
		}
		r.scripts.script[provider.On] = func() ipmi.Result { powered.Store(true); return ipmi.Result{} }
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

func TestAHangingScriptDelaysNobodyElse(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.waits(c, chassis, status, 1)
		r.waits(c, chassis, control, 2, on)
		require.Contains(t, r.ask(c, app, getDeviceID, 3), "00 20 01")
		r.login()
	})
}

func TestABootDeviceIsNotAccepted(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.BootSet] = takes(3*time.Second, ipmi.Result{Err: errors.New("no such device")})
		c := r.login()
		r.waits(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0)
		time.Sleep(2900 * time.Millisecond)
		require.Empty(t, r.answers(), "it is set, or it is not")
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, "ff", r.read(c, r.answers()[0]))
	})
}

// The action that runs may use up the boot flags: the same once more are new.
func TestABootDeviceThatIsSetWhilePowerRuns(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.BootSet] = takes(0, ipmi.Result{})
		r.scripts.script[provider.On] = takes(time.Second, ipmi.Result{})
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

// Whoever wants it off will not wait for the guest any longer.
func TestOffCutsShutdownShort(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Off] = takes(0, ipmi.Result{})
		c := r.login()
		r.waits(c, chassis, control, 1, 5) // a shutdown that takes its time
		time.Sleep(3 * time.Second)
		require.Equal(t, "00", r.read(c, r.answers()[0]))
		require.Equal(t, "00", r.ask(c, chassis, control, 2, off))
		require.Equal(t, []provider.Verb{provider.Shutdown, provider.Off}, r.scripts.started())
		require.False(t, r.server.BMC.State.PowerFault)
	})
}

// What was refused without being done may be tried again at once.
func TestARefusalIsNotRemembered(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(0, ipmi.Result{Err: provider.ErrBusy})
		c := r.login()
		require.Equal(t, busy, r.ask(c, chassis, control, 1, on))
		require.Empty(t, r.actionFiles())
		r.scripts.script[provider.On] = takes(0, ipmi.Result{})
		require.Equal(t, "00", r.ask(c, chassis, control, 1, on))
	})
}

// A console that has asked for something else while the action ran has its answer.
func TestMovedOnWhileItRan(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(5*time.Second, ipmi.Result{Err: errors.New("failed")})
		c := r.login()
		r.waits(c, chassis, control, 1, on)
		time.Sleep(3 * time.Second)
		require.Len(t, r.answers(), 1)
		r.ask(c, app, getDeviceID, 2)
		time.Sleep(3 * time.Second)
		r.scripts.script[provider.On] = takes(0, ipmi.Result{})
		require.Equal(t, "00", r.ask(c, chassis, control, 3, on), "a new one")
		require.Len(t, r.scripts.started(), 2)
	})
}

func TestAConsoleJoinsAnActionOfTheBMC(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(time.Minute, ipmi.Result{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 1, 4, hardReset, 0, 0, 10, 0))
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 2))
		time.Sleep(2 * time.Second)
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
		r.waits(c, chassis, control, 3, reset)
		time.Sleep(2100 * time.Millisecond)
		require.Equal(t, "00", r.read(c, r.answers()[0]))
		require.NotContains(t, r.server.told.String()+r.server.last, "invalid")
		require.Len(t, r.scripts.started(), 1)
	})
}

func TestHistoriesOfSessionsThatAreGoneAreForgotten(t *testing.T) {
	in(t, func(r *rig) {
		for range 100 {
			r.login()
			time.Sleep(2 * time.Second)
		}
		require.LessOrEqual(t, len(r.server.replies.histories), session.MaxActive+1)
	})
}

// A console that repeats itself takes the answer to its latest request.
func TestTooManyWaiters(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Status] = takes(10*time.Second, ipmi.Result{On: true})
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
		require.Len(t, answers, maxWaiters)
		for i, c := range consoles {
			_, plain := c.Read(answers[maxWaiters-len(consoles)+i])
			require.Equal(t, byte(30<<2), plain[4], "rqSeq")
		}
	})
}

// A packet that somebody else sends again gets nothing, and the console no more
// than its answer.
func TestAReplayIsAnsweredToTheConsole(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		b := c.Packet(console.Request(app, getDeviceID, 1))
		r.one(b)
		r.conn.peer.Store(&elsewhere)
		require.Len(t, r.send(b), 1)
		require.Equal(t, here, r.conn.to.Load())
	})
}
