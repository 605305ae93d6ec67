package bmc

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

const (
	storage    = 0x0A
	selInfo    = 0x40
	selReserve = 0x42
	selAdd     = 0x44
	selClear   = 0x47
	setSELTime = 0x49
	coldReset  = 0x02
)

// event is a record for the event log.
var event = []byte{0, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 1, 1, 0x6F, 0, 0, 0}

// entries is how many the event log has.
func (r *rig) entries(c *console.Console, rqSeq byte) string {
	r.t.Helper()
	return r.ask(c, storage, selInfo, rqSeq)[6:11]
}

// Clear SEL ends the reservation that it needs: done again, it would fail.
func TestAClearedLogIsNotClearedAgain(t *testing.T) {
	tests := map[string]struct {
		after time.Duration
		rqSeq byte
		want  string
	}{
		"ipmitool: same rqSeq, 19 s later":    {19 * time.Second, 2, "00 01"},
		"FreeIPMI: new rqSeq, 2.9 s later":    {2900 * time.Millisecond, 3, "00 01"},
		"a new one, for which it is too late": {3100 * time.Millisecond, 3, "c5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				c := r.login()
				var id [2]byte
				_, err := fmt.Sscanf(r.ask(c, storage, selReserve, 1), "00 %x %x", &id[0], &id[1])
				require.NoError(t, err)
				clear := []byte{id[0], id[1], 'C', 'L', 'R', 0xAA}
				require.Equal(t, "00 01", r.ask(c, storage, selClear, 2, clear...))
				time.Sleep(tt.after)
				require.Equal(t, tt.want, r.ask(c, storage, selClear, tt.rqSeq, clear...))
				require.Equal(t, "01 00", r.entries(c, 4), "the event that tells of it")
			})
		})
	}
}

// Two alike in a row are two, unless they are one that was repeated; and an answer
// has the ID of the entry that it belongs to.
func TestAnEventIsAddedOnce(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, event...))
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 2, event...))
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, event...), "late")
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 2, event...))
		require.Equal(t, "02 00", r.entries(c, 3))

		other := r.login()
		require.Equal(t, "00 03 00", r.ask(other, storage, selAdd, 1, event...), "another session means another")
		time.Sleep(20 * time.Second)
		require.Equal(t, "00 04 00", r.ask(c, storage, selAdd, 1, event...), "the number has come round")
	})
}

// With one rqSeq for everything there is no telling: each is another one.
func TestAConsoleWithOneRqSeqAddsEvents(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login() // used rqSeq 0
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 0, event...))
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 0, event...))
	})
}

// What is set again after something else was set is set again.
func TestWhoMovesOnMayChangeItBack(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		one, two := []byte{0, 0, 0, 1}, []byte{0, 0, 0, 2}
		require.Equal(t, "00", r.ask(c, storage, setSELTime, 1, one...))
		require.Equal(t, "00", r.ask(c, storage, setSELTime, 2, two...))
		require.Equal(t, "00", r.ask(c, storage, setSELTime, 3, one...))
		require.Equal(t, "00 00 00 00 01", r.ask(c, storage, 0x48, 4))
	})
}

// The answer that tells of the end of the session may be lost.
func TestACommandThatEndsItsSessionIsAnsweredOnceMore(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		require.Equal(t, "00", r.ask(c, app, coldReset, 1))
		require.Equal(t, "00", r.ask(c, app, coldReset, 1))
		require.Empty(t, r.send(c.Packet(console.Request(app, getDeviceID, 2))))
		require.Empty(t, r.send(c.Packet(console.Request(app, coldReset+1, 3))), "nothing else is done")
	})
}

// The process stays as long as a change can be repeated.
func TestAnIdleExitDoesNotForgetAChange(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		c := r.login()
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, event...))
		time.Sleep(16 * time.Second)
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, event...), "ironic waits as long between two")
		require.Equal(t, 10*time.Second, r.ends())
	})
}

// What was changed is kept with its answer, in one: whenever the process dies, the next
// one does not change it again.
func TestAChangeIsMadeOnceThoughTheProcessDies(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		b := c.Packet(console.Request(storage, selAdd, 1, event...))
		require.Equal(t, "00 01 00", r.read(c, r.one(b)))
		r.kill()
		r.conn.peer.Store(&elsewhere)
		require.Empty(t, r.send(b))
		r.conn.peer.Store(nil)
		require.Equal(t, "00 01 00", r.read(c, r.one(b)), "the identical datagram")
		r.kill()
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, event...))
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 2, event...))

		var id [2]byte
		_, err := fmt.Sscanf(r.ask(c, storage, selReserve, 3), "00 %x %x", &id[0], &id[1])
		require.NoError(t, err)
		clear := []byte{id[0], id[1], 'C', 'L', 'R', 0xAA}
		require.Equal(t, "00 01", r.ask(c, storage, selClear, 4, clear...))
		r.kill()
		require.Equal(t, "00 01", r.ask(c, storage, selClear, 5, clear...), "FreeIPMI")
		require.Equal(t, "01 00", r.entries(c, 6))
	})
}

// With one rqSeq for everything, what comes next may be new: nobody can tell.
func TestAConsoleWithOneRqSeqAddsEventsThoughTheProcessDies(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login() // used rqSeq 0
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 0, event...))
		r.kill()
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 0, event...))
	})
}

// A change from before the host was booted keeps no process.
func TestAChangeOfAnotherBoot(t *testing.T) {
	in(t, func(r *rig) {
		r.stop()
		r.idle = 10 * time.Second
		for _, at := range []time.Duration{r.clock() - sameSeqHold, r.clock() + time.Hour} {
			changed := ipmi.Changed{Session: 1, Sequence: 1, Request: rmcp.Request{NetFn: storage, Cmd: selAdd, Data: event}, At: at}
			require.NoError(t, SaveState(r.dir, ipmi.State{Changed: changed}))
			r.start()
			require.Equal(t, r.idle, r.ends())
		}
	})
}

// However many changes a session makes, an action is not forgotten for it.
func TestChangesDoNotPushOutActions(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, ipmi.Result{})
		c, other := r.login(), r.login()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		for n := range 4 * maxChanges {
			require.Equal(t, "00", r.ask(other, storage, setSELTime, byte(n%rqSeqs), 0, 0, byte(n>>8), byte(n)))
		}
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		require.Len(t, r.scripts.started(), 1)
		require.Len(t, r.server.replies.histories[other.SIDc].changes, maxChanges)
	})
}
