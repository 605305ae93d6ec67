package lan

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
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

// selRecord is a record for the event log.
var selRecord = []byte{0, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 1, 1, 0x6F, 0, 0, 0}

// entries is how many the event log has.
func (r *rig) entries(c *console.Console, rqSeq byte) string {
	r.t.Helper()
	return r.ask(c, storage, selInfo, rqSeq)[6:11]
}

// Clear SEL cancels the reservation that it needs, so a second run would fail.
func TestAClearedLogIsNotClearedAgain(t *testing.T) {
	tests := map[string]struct {
		after time.Duration
		rqSeq byte
		want  string
	}{
		"ipmitool: same rqSeq, 19 s later":    {19 * time.Second, 2, "00 01"},
		"FreeIPMI: new rqSeq, 4.9 s later":    {4900 * time.Millisecond, 3, "00 01"},
		"a new one, for which it is too late": {5100 * time.Millisecond, 3, "c5"},
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

// Two equal Add SEL Entry requests add two entries, unless the second is a retransmission.
// Each answer has the record ID of its own entry.
func TestAnEventIsAddedOnce(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, selRecord...))
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 2, selRecord...))
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, selRecord...), "late")
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 2, selRecord...))
		require.Equal(t, "02 00", r.entries(c, 3))

		other := r.login()
		require.Equal(t, "00 03 00", r.ask(other, storage, selAdd, 1, selRecord...), "another session means another")
		time.Sleep(20 * time.Second)
		require.Equal(t, "00 04 00", r.ask(c, storage, selAdd, 1, selRecord...), "the number has come round")
	})
}

// From a client that uses one rqSeq for all requests, each request adds an entry.
func TestAClientWithOneRqSeqAddsEvents(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login() // used rqSeq 0
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 0, selRecord...))
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 0, selRecord...))
	})
}

// A client that sets a value, then another, then the first again, gets the first.
func TestAValueCanBeSetBack(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		one, two := []byte{0, 0, 0, 1}, []byte{0, 0, 0, 2}
		require.Equal(t, "00", r.ask(c, storage, setSELTime, 1, one...))
		require.Equal(t, "00", r.ask(c, storage, setSELTime, 2, two...))
		require.Equal(t, "00", r.ask(c, storage, setSELTime, 3, one...))
		require.Equal(t, "00 00 00 00 01", r.ask(c, storage, 0x48, 4))
	})
}

// The answer to the command that ends the session may be lost.
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
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, selRecord...))
		time.Sleep(16 * time.Second)
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, selRecord...), "ironic waits as long between two")
		require.Equal(t, 10*time.Second, r.ends())
	})
}

// The change and its answer are saved together. Whenever the process dies, the next one does
// not make the change again.
func TestAChangeIsMadeOnceAcrossAKill(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		b := c.Packet(console.Request(storage, selAdd, 1, selRecord...))
		require.Equal(t, "00 01 00", r.read(c, r.one(b)))
		r.kill()
		r.conn.peer.Store(&elsewhere)
		require.Empty(t, r.send(b))
		r.conn.peer.Store(nil)
		require.Equal(t, "00 01 00", r.read(c, r.one(b)), "the identical datagram")
		r.kill()
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, selRecord...))
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 2, selRecord...))

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

// From a client that uses one rqSeq for all requests, the next request may be new.
func TestAClientWithOneRqSeqAddsEventsAcrossAKill(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login() // used rqSeq 0
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 0, selRecord...))
		r.kill()
		require.Equal(t, "00 02 00", r.ask(c, storage, selAdd, 0, selRecord...))
	})
}

// The process does not stay for a change that was made before the host was booted.
func TestAChangeOfAnotherBoot(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		c := r.login()
		require.Equal(t, "00 01 00", r.ask(c, storage, selAdd, 1, selRecord...))
		r.hostBoot = "second"
		r.stop()
		r.start()
		require.Equal(t, r.idle, r.ends())
	})
}

// Many changes of one session do not make the BMC forget an action.
func TestChangesDoNotPushOutActions(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
		c, other := r.login(), r.login()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		for n := range 4 * rqSeqs {
			require.Regexp(t, "^00", r.ask(other, storage, selAdd, byte(n%rqSeqs), append(selRecord[:15:15], byte(n))...))
		}
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		require.Len(t, r.scripts.started(), 1)
	})
}
