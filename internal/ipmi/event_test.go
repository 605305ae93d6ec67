package ipmi

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestPowerEvents(t *testing.T) {
	for _, c := range []struct{ request, event string }{
		{"00/02 00", "09 02 6f 00 ff ff"}, // Power Unit: Power Off / Power Down
		{"00/02 01", "1d 04 6f 00 ff ff"}, // System Boot Initiated: by power up
		{"00/02 02", "09 02 6f 01 ff ff"}, // Power Unit: Power Cycle
		{"00/02 03", "1d 04 6f 01 ff ff"}, // System Boot Initiated: by hard reset
		{"00/02 04", "13 06 6f 00 ff ff"}, // Critical Interrupt: Diagnostic Interrupt
		{"00/02 05", "20 05 6f 03 ff ff"}, // OS Stop/Shutdown: OS graceful shutdown
	} {
		r := newRig(t, powerOnly)
		require.Equal(t, "00", r.ask(c.request))
		require.Equal(t, []string{"01 00 02 " + noon + " 20 00 04 " + c.event}, r.readLog(), c.request)
		r.restart()
		require.Len(t, r.readLog(), 1, "kept")
	}
}

// A failure leaves an event, unless the machine is as it was.
func TestPowerFailureEvents(t *testing.T) {
	for _, c := range scriptErrors {
		r := newRig(t, powerOnly)
		r.does[provider.On] = machine.Reading{Err: c.err}
		require.Equal(t, c.code, r.ask("00/02 01"))
		var want []string
		if !c.untouched { // Power Unit: soft power control failure
			want = []string{"01 00 02 " + noon + " 20 00 04 09 02 6f 05 ff ff"}
		}
		require.Equal(t, want, r.readLog(), "%v", c.err)
	}
}

// An event has the time at which the script ended, not that of the request.
func TestEventTime(t *testing.T) {
	r := newRig(t, powerOnly)
	_, answer := r.Handle(r.request("00/02 00"))
	r.now += 90 * time.Second
	require.Equal(t, "00", r.complete(answer))
	require.Equal(t, []string{"01 00 02 9a d9 02 6b 20 00 04 09 02 6f 00 ff ff"}, r.readLog())
}

// An event that cannot be saved does not make the action fail.
func TestEventWithoutSpace(t *testing.T) {
	r := newRig(t, powerOnly)
	r.noSpace = true
	r.talk(step{"00/02 01", "00"}, step{addBooted, "ff"}, step{"0a/43 00 00 00 00 00 ff", "cb"})
	require.Equal(t, machine.State{}, r.Machine.State)
}

func TestWatchdogEvents(t *testing.T) {
	for action, c := range []struct{ event, states string }{
		{"c0 04", "01"}, // Watchdog 2: Timer expired, of use SMS/OS
		{"c1 04", "02"}, // Hard Reset
		{"c2 04", "04"}, // Power Down
		{"c3 04", "08"}, // Power Cycle
	} {
		r := newRig(t, powerOnly)
		expire := func(use string) {
			r.talk(step{fmt.Sprintf("06/24 %s %02x 00 00 0a 00", use, action), "00"}, step{"06/22", "00"})
			r.Machine.WatchdogExpired(r.moment())
		}
		expire("84") // not to be logged
		require.Empty(t, r.readLog())
		r.talk(step{"04/2d 03", "00 00 c0 " + c.states + " 80"}, step{"06/24 04 00 00 3e 0a 00", "00"}, step{"04/2d 03", "00 00 c0 00 80"})

		expire("04")
		require.Equal(t, []string{"01 00 02 " + noon + " 20 00 04 23 03 6f " + c.event + " ff"}, r.readLog())
		r.talk(step{"04/2d 03", "00 00 c0 " + c.states + " 80"}, step{"04/2b 03", "00 c0 " + c.states + " 00 00 00"})
	}
}

// Every event comes from a sensor that says so.
func TestEventsHaveSensors(t *testing.T) {
	for _, happened := range eventsV1 {
		e, ok := eventOf(happened)
		require.True(t, ok)
		s := sensorOf(e.sensor)
		require.NotNil(t, s)
		require.NotZero(t, s.events&(1<<e.offset), "%s, offset %d", s.name, e.offset)
	}
}
