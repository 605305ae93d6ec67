package lan

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A command that needs no script is answered, the supervisor is told that all is well, and
// a client that needs a script is told in time that there is none. Nothing is done about it
// later.
func TestAProviderFileThatHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.stop()
		r.watched = 500 * time.Millisecond
		r.start()
		r.scripts.does()
		c, other := r.login(), r.login()
		r.scripts.hangs.Store(true)
		alive := r.lives.Load()
		r.waits(c, chassis, control, 1, on)
		r.waits(other, chassis, status, 1)
		r.waits(other, chassis, status, 2)
		require.Contains(t, r.ask(c, app, getDeviceID, 2), "00 20 01")
		time.Sleep(2100 * time.Millisecond)
		require.Greater(t, r.lives.Load(), alive+3)
		codes := map[string]int{}
		for _, answer := range r.answers() {
			to := c
			if !c.Owns(answer) {
				to = other
			}
			codes[r.read(to, answer)]++
		}
		require.Equal(t, map[string]int{"c3": 3}, codes)
		time.Sleep(2 * time.Second)
		require.Empty(t, r.scripts.started())

		r.scripts.hangs.Store(false)
		require.Equal(t, "00 00 00 40", r.ask(c, chassis, status, 3))
		require.Equal(t, "00", r.ask(c, chassis, control, 4, on))
		require.Equal(t, []provider.Verb{provider.Status, provider.On}, r.scripts.started())
	})
}

// However many requests come while the files hang, the number of those that are kept has a
// limit.
func TestAFloodWhileAProviderFileHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		r.scripts.hangs.Store(true)
		for n := range 3 * rqSeqs {
			r.waits(c, chassis, status, byte(n%rqSeqs))
		}
		time.Sleep(4100 * time.Millisecond)
		require.Len(t, r.answers(), rqSeqs)
	})
}

// No client retransmits for the watchdog, so its action waits until the files can be read.
func TestTheWatchdogExpiresWhileAProviderFileHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 1, 4, hardReset, 0, 0, 0x0A, 0)) // 1 s
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 2))
		r.scripts.hangs.Store(true)
		time.Sleep(30 * time.Second)
		require.Empty(t, r.scripts.started())
		r.scripts.hangs.Store(false)
		time.Sleep(3 * time.Second)
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
	})
}

// An equal request that arrives soon after the first is a retransmission, also if both wait
// long.
func TestARetransmissionWhileAProviderFileIsSlow(t *testing.T) {
	in(t, func(r *rig) {
		r.stop()
		r.answer = 10 * time.Second
		r.start()
		r.scripts.reads = 6 * time.Second
		r.scripts.script[provider.Reset] = takes(time.Second, machine.Reading{})
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(2 * time.Second)
		r.waits(c, chassis, control, 2, reset)
		time.Sleep(20 * time.Second)
		require.Len(t, r.answers(), 2)
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
	})
}

// An action that waits for its turn runs, although the provider's files could not be read for
// another client meanwhile.
func TestAProviderFileHangsWhileAnActionWaitsForItsTurn(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		r.scripts.script[provider.On] = takes(5*time.Second, machine.Reading{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, on)
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 2, 4, hardReset, 0, 0, 0x0A, 0)) // 1 s
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 3))
		time.Sleep(1500 * time.Millisecond)
		r.scripts.hangs.Store(true)
		r.waits(other, chassis, status, 1)
		time.Sleep(2500 * time.Millisecond)
		r.scripts.hangs.Store(false)
		time.Sleep(3 * time.Second)
		require.Equal(t, []provider.Verb{provider.On, provider.Reset}, r.scripts.started())
	})
}

// If a session ends before its request begins, the request is dropped.
func TestASessionEndsWhileAProviderFileHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		r.scripts.hangs.Store(true)
		r.waits(c, chassis, status, 1)
		r.waits(c, chassis, control, 2, on)
		const closeSession = 0x3C
		require.Equal(t, "00", r.ask(c, app, closeSession, 3, binary.LittleEndian.AppendUint32(nil, c.SIDc)...))
		time.Sleep(1900 * time.Millisecond)
		r.scripts.hangs.Store(false)
		time.Sleep(3 * time.Second)
		require.Empty(t, r.answers())
		require.Empty(t, r.scripts.started())
	})
}
