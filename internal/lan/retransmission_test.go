package lan

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/test/console"
)

// Network functions, commands and data of the requests in these tests.
const (
	chassis, app = 0x00, 0x06

	status, control    = 0x01, 0x02
	off, on, cycle     = 0x00, 0x01, 0x02
	reset, shutdown    = 0x03, 0x05
	getDeviceID        = 0x01
	setBootOptions     = 0x08
	setPrivilege       = 0x3B
	busy, insufficient = "c0", "d4"
	unspecified        = "ff"
)

func hexOf(s string) string {
	return strings.TrimSpace(hex.Dump([]byte(s))[10:min(58, 10+3*len(s)+len(s)/8)])
}

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

func TestRetransmissionsWhileAScriptRuns(t *testing.T) {
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
				r.scripts.script[provider.Reset] = takes(1500*time.Millisecond, machine.Reading{})
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

// The time in which a request can be a retransmission starts at the end of the action.
func TestTheTimeOfARetransmissionStartsAtTheEnd(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(40*time.Second, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(59 * time.Second)
		r.answers()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		require.Len(t, r.scripts.started(), 1)
	})
}

func TestRetransmissionsAfterTheScript(t *testing.T) {
	tests := map[string]struct {
		after time.Duration
		rqSeq byte
		then  func(r *rig, c *console.Console)
		runs  int
	}{
		"same rqSeq, at once":              {0, 1, nil, 1},
		"same rqSeq, 19 s later":           {19 * time.Second, 1, nil, 1},
		"same rqSeq, 21 s later":           {21 * time.Second, 1, nil, 2},
		"other rqSeq, 5 s later":           {5 * time.Second, 2, nil, 1},
		"other rqSeq, 5.1 s later":         {5100 * time.Millisecond, 2, nil, 2},
		"same rqSeq, a keep-alive came by": {time.Second, 1, func(r *rig, c *console.Console) { r.ask(c, app, getDeviceID, 2) }, 1},
		"same rqSeq, it has come round": {time.Second, 1, func(r *rig, c *console.Console) {
			for n := range byte(64) {
				r.ask(c, app, getDeviceID, (n+2)%64)
			}
		}, 2},
		"other rqSeq, another command came by":  {time.Second, 3, func(r *rig, c *console.Console) { r.ask(c, app, getDeviceID, 2) }, 2},
		"constant rqSeq is no sign, 6 s later":  {6 * time.Second, 0, nil, 2},
		"constant rqSeq, repeated within 1.9 s": {1900 * time.Millisecond, 0, nil, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
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

// A retransmission that the network delivers late has a lower sequence number than the
// command that followed.
func TestALateRetransmissionIsRecognized(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
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
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
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

// FreeIPMI gives each retransmission a new rqSeq, waits longer and longer, and gives up after
// 20 s. All of that is one request, whatever the network loses, and although the process is
// killed.
func TestFreeIPMIRetransmitsUntilItGivesUp(t *testing.T) {
	sent := []time.Duration{0, 1, 2, 4, 6, 9, 12, 16} // in seconds; ipmi-chassis without options
	for arrives := 1; arrives < 1<<len(sent); arrives++ {
		in(t, func(r *rig) {
			r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
			c, began := r.login(), r.clock()
			for i, at := range sent {
				packet := c.Packet(console.Request(chassis, control, byte(i+1), reset))
				if arrives&(1<<i) != 0 {
					time.Sleep(began + at*time.Second - r.clock())
					require.Equal(t, "00", r.read(c, r.one(packet)))
				}
				if i == len(sent)/2 {
					r.kill()
				}
			}
			require.Len(t, r.scripts.started(), 1, "%08b arrive", arrives)
		})
	}
}

// One of several retransmissions arrives seconds late, behind a later one.
func TestARetransmissionThatIsOvertakenByAnother(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		late := c.Packet(console.Request(chassis, control, 2, reset))
		time.Sleep(2 * time.Second)
		require.Equal(t, "00", r.ask(c, chassis, control, 3, reset))
		time.Sleep(2 * time.Second)
		require.Equal(t, "00", r.read(c, r.one(late)))
		require.Len(t, r.scripts.started(), 1)
	})
}

// A request that was refused without any effect may be tried again at once.
func TestARefusalIsNotRemembered(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(0, machine.Reading{Err: provider.ErrBusy})
		c := r.login()
		require.Equal(t, busy, r.ask(c, chassis, control, 1, on))
		require.Empty(t, r.actionFiles())
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
		require.Equal(t, "00", r.ask(c, chassis, control, 1, on))
	})
}

// A client that sent another request after its answer has received the answer.
func TestAClientThatHasMovedOn(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.On] = takes(5*time.Second, machine.Reading{Err: errors.New("failed")})
		c := r.login()
		r.waits(c, chassis, control, 1, on)
		time.Sleep(3 * time.Second)
		require.Len(t, r.answers(), 1)
		r.ask(c, app, getDeviceID, 2)
		time.Sleep(3 * time.Second)
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
		require.Equal(t, "00", r.ask(c, chassis, control, 3, on), "a new one")
		require.Len(t, r.scripts.started(), 2)
	})
}

func TestEndedSessionsAreForgotten(t *testing.T) {
	in(t, func(r *rig) {
		for range 2 * maxRemembered {
			r.login()
			time.Sleep(2 * time.Second)
		}
		require.LessOrEqual(t, r.bmc.Jobs.Sessions(), maxRemembered+1)
	})
}

// When an attacker replays a packet, the answer goes to the client again, not to the
// attacker.
func TestAReplayIsAnsweredToTheClient(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		b := c.Packet(console.Request(app, getDeviceID, 1))
		r.one(b)
		r.conn.peer.Store(&elsewhere)
		require.Len(t, r.send(b), 1)
		require.Equal(t, here, r.conn.to.Load())
	})
}

// Only requests that a session sends after its answer show that it has moved on.
func TestAClientThatHasNotMovedOn(t *testing.T) {
	tests := map[string]func(r *rig, c *console.Console) (between func()){
		"a request while it waits": func(r *rig, c *console.Console) func() {
			r.waits(c, chassis, control, 2, reset)
			time.Sleep(time.Second)
			r.ask(c, app, getDeviceID, 1)
			return func() {}
		},
		"an older request that comes late": func(r *rig, c *console.Console) func() {
			late := c.Packet(console.Request(app, getDeviceID, 1))
			r.waits(c, chassis, control, 2, reset)
			return func() { r.send(late) }
		},
	}
	for name, begin := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.script[provider.Reset] = takes(1500*time.Millisecond, machine.Reading{})
				c := r.login()
				between := begin(r, c)
				time.Sleep(1600 * time.Millisecond)
				require.Len(t, r.answers(), 1, "which is lost")
				between()
				require.Equal(t, "00", r.ask(c, chassis, control, 3, reset))
				require.Len(t, r.scripts.started(), 1)
			})
		})
	}
}

// The network may deliver the retransmission first, and the original seconds later.
func TestAnOriginalThatIsOvertakenByItsRetransmission(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(time.Second, machine.Reading{})
		c := r.login()
		original := c.Packet(console.Request(chassis, control, 1, reset))
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(4 * time.Second)
		require.Len(t, r.answers(), 1)
		require.Equal(t, "00", r.read(c, r.one(original)))
		require.Len(t, r.scripts.started(), 1)
	})
}

// The next process knows that a client uses one rqSeq for all requests.
func TestAConstantRqSeqIsRemembered(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
		c := r.login()
		r.ask(c, app, getDeviceID, 0)
		require.Equal(t, "00", r.ask(c, chassis, control, 0, reset))
		r.ask(c, app, getDeviceID, 0)
		r.stop()
		r.start()
		time.Sleep(11 * time.Second)
		require.Equal(t, "00", r.ask(c, chassis, control, 0, reset))
		require.Len(t, r.scripts.started(), 2, "a new one")
	})
}
