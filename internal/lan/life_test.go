package lan

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/test/console"
)

// idles starts the server again with the usual idle time.
func (r *rig) idles() {
	r.t.Helper()
	r.stop()
	r.idle = 10 * time.Second
	r.start()
}

// ends waits for the server to end by itself and returns how long it took.
func (r *rig) ends() time.Duration {
	r.t.Helper()
	begin := time.Now()
	require.NoError(r.t, r.outcome())
	require.NoError(r.t, r.sessions.Close())
	return time.Since(begin)
}

func TestIdleExit(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		require.Equal(t, 10*time.Second, r.ends(), "nothing ever came")

		r.start()
		time.Sleep(6 * time.Second)
		r.one(unhex(t, pingVector))
		time.Sleep(6 * time.Second)
		require.Empty(t, r.send([]byte("garbage is not a reason to stay")))
		require.Equal(t, 4*time.Second, r.ends())
	})
}

func TestASessionGoesOnAfterAnIdleExit(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		c := r.login()
		r.ends()
		r.start()
		require.Contains(t, r.ask(c, app, getDeviceID, 1), "00 20 01")
		r.ends()
		time.Sleep(51 * time.Second) // and 10 s of idling
		r.start()
		require.Empty(t, r.send(c.Packet(console.Request(app, getDeviceID, 2))), "a minute without a packet")
	})
}

func TestNoIdleExitWhileAScriptRuns(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		r.scripts.script[provider.On] = takes(time.Minute, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, on)
		require.Equal(t, time.Minute, r.ends(), "the idle time has passed when the script ends")
	})
}

func TestAnActionIsAdopted(t *testing.T) {
	tests := map[string]func(r *rig){
		"after kill -9": (*rig).kill,
		"after SIGTERM": func(r *rig) { r.stop(); r.start() },
	}
	for name, restart := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				c := r.login()
				r.waits(c, chassis, control, 1, on)

				r.scripts.script[provider.On] = takes(1500*time.Millisecond, machine.Reading{Err: errors.New("failed late")})
				restart(r)
				require.Equal(t, 1, r.scripts.adopted())
				r.waits(c, chassis, control, 1, on)
				time.Sleep(2 * time.Second)
				require.Equal(t, "ff", r.read(c, r.answers()[0]))
				require.Equal(t, []provider.Verb{provider.On}, r.scripts.started())
				require.True(t, r.machine.State.PowerFault)
			})
		})
	}
}

// The identify action is adopted before the provider's files are read.
func TestAnIdentifyIsAdopted(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Identify] = takes(time.Second, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, 0x04, 1, 15)
		r.kill()
		require.Equal(t, 1, r.scripts.adopted())
	})
}

func TestAnActionThatHasEndedIsRememberedAfterAKill(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{Err: provider.ErrTimeout})
		c := r.login()
		require.Equal(t, "c3", r.ask(c, chassis, control, 1, reset))
		r.kill()
		time.Sleep(time.Second)
		require.Equal(t, "c3", r.ask(c, chassis, control, 1, reset), "what became of it then")
		require.Len(t, r.scripts.started(), 1)
		require.Zero(t, r.scripts.adopted())

		time.Sleep(20 * time.Second)
		require.Equal(t, "c3", r.ask(c, chassis, control, 2, reset), "a new one")
		require.Len(t, r.scripts.started(), 2)
		require.Len(t, r.actionFiles(), 1, "the old file is gone")
	})
}

// A process that dies before its action file is complete has not started the script.
func TestATornActionFileIsNoAction(t *testing.T) {
	in(t, func(r *rig) {
		r.stop()
		require.NoError(t, os.Mkdir(filepath.Join(r.dir, "actions"), 0o700))
		path := filepath.Join(r.dir, "actions", "action.1")
		require.NoError(t, os.WriteFile(path, []byte(`{"began":1,"verb":"power`), 0o600))
		r.start()
		require.Zero(t, r.scripts.adopted())
		require.Empty(t, r.actionFiles())
	})
}

// A client that sends the identical datagram again gets the result of its action, whether
// the action has ended or not. An attacker who replays the datagram gets nothing.
func TestTheIdenticalDatagramAfterAKill(t *testing.T) {
	for name, takes := range map[string]func() machine.Reading{
		"still running": takes(time.Second, machine.Reading{}),
		"ended":         takes(0, machine.Reading{}),
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.script[provider.Reset] = takes
				c := r.login()
				b := c.Packet(console.Request(chassis, control, 1, reset))
				r.send(b)
				r.kill()
				r.conn.peer.Store(&elsewhere)
				require.Empty(t, r.send(b))
				time.Sleep(1100 * time.Millisecond)
				require.Empty(t, r.answers())

				r.kill()
				r.conn.peer.Store(nil)
				first := r.send(b)
				time.Sleep(1100 * time.Millisecond)
				all := append(first, r.answers()...)
				require.Len(t, all, 1)
				require.Equal(t, "00", r.read(c, all[0]))
				for range 10 {
					all = append(all, r.send(b)...)
				}
				require.Len(t, all, 1+maxAgain)
				require.Len(t, r.scripts.started(), 1)
			})
		})
	}
}

// A request without an action is lost with the process that received it, so its datagram is
// refused.
func TestAReplayAfterAKillIsRefused(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		b := c.Packet(console.Request(app, getDeviceID, 1))
		r.one(b)
		r.kill()
		require.Empty(t, r.send(b))
	})
}

// Without an action file an action could run twice, so it does not run at all.
func TestAnActionWithoutAFileIsRefused(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.actions.Dir = filepath.Join(r.dir, "sessions", "is a file")
		require.Equal(t, "ff", r.ask(c, chassis, control, 1, on))
		require.Empty(t, r.scripts.started())
	})
}

// The names of action files have no order.
func TestTheLatestActionIsRememberedAfterAKill(t *testing.T) {
	for range 10 {
		in(t, func(r *rig) {
			r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
			c := r.login()
			r.ask(c, chassis, control, 1, reset)
			time.Sleep(6 * time.Second)
			r.ask(c, chassis, control, 2, reset)
			r.kill()
			require.Equal(t, "00", r.ask(c, chassis, control, 2, reset))
			require.Len(t, r.scripts.started(), 2)
		})
	}
}

func TestASharedActionIsRememberedForAllAfterAKill(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Cycle] = takes(time.Second, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, cycle)
		r.waits(other, chassis, control, 7, cycle)
		time.Sleep(1010 * time.Millisecond)
		require.Len(t, r.answers(), 2)
		r.kill()
		require.Equal(t, "00", r.ask(other, chassis, control, 7, cycle))
		require.Equal(t, []provider.Verb{provider.Cycle}, r.scripts.started())
	})
}

// Two action files have no answer line: the first answer could not be written.
func TestTwoActionsAreAdopted(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(time.Second, machine.Reading{})
		r.scripts.script[provider.On] = takes(10*time.Second, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		path := r.actionFiles()[0]
		unanswered, err := os.ReadFile(path)
		require.NoError(t, err)
		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 1)
		require.NoError(t, os.WriteFile(path, unanswered, 0o600))
		r.waits(c, chassis, control, 2, on)
		r.kill()
		time.Sleep(1500 * time.Millisecond)
		r.waits(c, chassis, control, 2, on)
		require.Equal(t, []provider.Verb{provider.Reset, provider.On}, r.scripts.started())
	})
}

// The uptime of the host says nothing about how often a client retransmits.
func TestThePaceOfAnAdoptedAction(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(time.Second, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		r.kill()
		r.waits(c, chassis, control, 2, reset)
		time.Sleep(1100 * time.Millisecond)
		r.answers()
		time.Sleep(5 * time.Second)
		r.waits(c, chassis, control, 3, reset)
		require.Len(t, r.scripts.started(), 2, "a new one")
	})
}

// A process that was killed before the script began leaves an action file. As long as the next
// process does not know whether the script runs, it does not accept a retransmission.
func TestAnActionThatNeverBeganIsNotAccepted(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(3 * time.Second)
		require.Len(t, r.answers(), 1, "which is lost")
		r.scripts.script[provider.Reset] = takes(time.Millisecond, machine.Reading{Err: provider.ErrLost})
		r.kill()
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(time.Millisecond)
		require.Equal(t, unspecified, r.read(c, r.answers()[0]))
	})
}

// A client that cannot be added to the action file does not join the action.
func TestACallerThatCannotBeSaved(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(1500*time.Millisecond, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, reset)
		path := r.actionFiles()[0]
		require.NoError(t, os.Rename(path, path+".gone"))
		r.waits(other, chassis, control, 1, reset)
		require.NoError(t, os.Rename(path+".gone", path))
		r.waits(other, chassis, control, 1, reset)
		time.Sleep(1600 * time.Millisecond)
		require.Len(t, r.answers(), 2)
		r.kill()
		require.Equal(t, "00", r.ask(other, chassis, control, 1, reset))
		require.Len(t, r.scripts.started(), 1)
	})
}

// The result of an action is kept even if the provider's files can no longer be read.
func TestAnActionIsAdoptedWithoutItsProvider(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.waits(c, chassis, control, 1, on)
		r.scripts.script[provider.On] = takes(500*time.Millisecond, machine.Reading{})
		r.scripts.broken = true
		r.kill()
		r.waits(c, chassis, control, 1, on)
		time.Sleep(time.Second)
		require.Equal(t, "00", r.read(c, r.answers()[0]))
		require.True(t, r.machine.State.PoweredOn)
	})
}

// Scripts of an earlier boot of the host no longer run.
func TestAnActionOfAnotherBootIsForgotten(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		r.waits(c, chassis, control, 1, on)
		r.hostBoot = "second"
		r.kill()
		require.Zero(t, r.scripts.adopted())
		require.Empty(t, r.actionFiles())
	})
}

// The process stops when told to, also during a flood.
func TestFloodAtTheEnd(t *testing.T) {
	in(t, func(r *rig) {
		conn := r.conn
		stopped := make(chan struct{})
		flood := sync.WaitGroup{}
		for range 100 {
			flood.Go(func() {
				for {
					select {
					case conn.in <- []byte("garbage"):
					case <-stopped:
						return
					}
				}
			})
		}
		r.stop()
		close(stopped)
		flood.Wait()
	})
}

// The supervisor hears from the BMC in time, whatever the BMC does or waits for. When the
// goroutine that holds the lock hangs, the supervisor hears nothing, although the rest of the
// process goes on.
func TestAlive(t *testing.T) {
	in(t, func(r *rig) {
		time.Sleep(time.Hour / 2)
		require.Zero(t, r.lives.Load(), "nobody listens")

		r.watched = 15 * time.Second
		r.stop()
		r.start()
		time.Sleep(10*time.Minute + time.Second)
		require.EqualValues(t, 40, r.lives.Load(), "4 a minute: that it is ready was told before")
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			r.one(unhex(t, pingVector))
		}
		require.EqualValues(t, 44, r.lives.Load(), "no more of them under load")

		r.scripts.script[provider.Reset] = takes(2*time.Minute, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(time.Minute)
		require.EqualValues(t, 48, r.lives.Load(), "while a script runs")
		time.Sleep(2 * time.Minute)
		require.EqualValues(t, 56, r.lives.Load())

		r.answers()
		other := console.New(t, 17)
		other.ReadOpen(r.one(other.Open()))
		other.ReadRAKP2(r.one(other.RAKP1()))
		r.hangs.Store(true)
		r.conn.in <- other.RAKP3()
		time.Sleep(20 * time.Minute)
		require.EqualValues(t, 56, r.lives.Load())
	})
}

func (r *rig) actionFiles() []string {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.dir, "actions", "action.*"))
	require.NoError(r.t, err)
	return paths
}
