package ipmi

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// An administrator sets the clock of the host by a year while the machine is on and the
// watchdog runs: intervals go on as before, and times are in the new time.
func TestTheClockOfTheHostIsSet(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for jump, hours := range map[time.Duration]uint32{-year: 0, 0: 1, year: 365*24 + 1} {
		r := newRig(t, powerOnly)
		ask := func(netFn rmcp.NetFn, cmd byte, now machine.Moment, data ...byte) []byte {
			request := rmcp.Request{RsAddr: rmcp.AddressBMC, NetFn: netFn, Cmd: cmd, Data: data}
			_, answer := r.Handle(&Request{Request: request, Session: *r.session, Now: now})
			require.Equal(t, OK, answer.Code)
			return answer.Data
		}
		r.Machine.Seen(true, r.moment())
		ask(app, 0x24, r.moment(), 4, 1, 0, 0, 0x10, 0x27) // 1,000 s
		ask(app, 0x22, r.moment())

		at := day.Add(time.Hour + jump)
		now := machine.Moment{Uptime: boot + 100*time.Second, Clock: at}
		left, running := r.Machine.WatchdogLeft(now)
		require.True(t, running)
		require.Equal(t, 900*time.Second, left)
		require.Equal(t, hours, binary.LittleEndian.Uint32(ask(chassis, 0x0F, now)[1:]))
		require.Equal(t, uint32(at.Unix()), binary.LittleEndian.Uint32(ask(storage, 0x48, now)))
		ask(storage, 0x44, now, append([]byte{0, 0, 0x02, 0, 0, 0, 0}, make([]byte, 9)...)...)
		entry := ask(storage, 0x43, now, 0, 0, 0xFF, 0xFF, 0, 0xFF)
		require.Equal(t, uint32(at.Unix()), binary.LittleEndian.Uint32(entry[2+3:]))
	}
}
