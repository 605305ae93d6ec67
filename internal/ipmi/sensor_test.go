package ipmi

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestSensorReadings(t *testing.T) {
	r := newRig(t, powerOnly)
	r.does[provider.Status] = machine.Reading{On: true}
	r.talk(
		step{"04/2d 01", "00 00 c0 01 80"}, // S0
		step{"04/2d 02", "00 00 c0 00 80"},
		step{"04/2d 03", "00 00 c0 00 80"},
		step{"04/2b 01", "00 c0 00 00 00 00"},
		step{"04/2b 02", "00 c0 00 00 00 00"},
	)
	r.does[provider.Status] = machine.Reading{On: false}
	r.talk(
		step{"04/2d 01", "00 00 c0 20 80"}, // S5
		step{"04/2d 02", "00 00 c0 01 80"}, // power off
		step{"04/2b 01", "00 c0 00 00 00 00"},
		step{"04/2b 02", "00 c0 01 00 00 00"},
		step{"04/2b 03", "00 c0 00 00 00 00"},
	)
	require.Len(t, r.scripts(), 8, "the watchdog needs none")

	r.does[provider.On] = machine.Reading{Err: errors.New("failed")}
	r.talk(
		step{"00/02 01", "ff"},
		step{"04/2d 02", "00 00 c0 21 80"}, // and soft power control failure
		step{"04/2b 02", "00 c0 21 00 00 00"},
	)
	require.NotEmpty(t, r.stored)
}

// A sensor whose script fails has no state. An error would hide the other sensors from
// some clients.
func TestSensorWithoutReading(t *testing.T) {
	unknown := []step{
		{"04/2d 01", "00 00 e0 00 80"}, {"04/2d 02", "00 00 e0 00 80"},
		{"04/2b 01", "00 e0 00 00 00 00"}, {"04/2b 02", "00 e0 00 00 00 00"},
		{"04/2d 03", "00 00 c0 00 80"},
	}
	for _, c := range scriptErrors {
		r := newRig(t, statusOnly)
		r.does[provider.Status] = machine.Reading{Err: c.err, On: true}
		r.talk(unknown...)
	}
	r := newRig(t, statusOnly)
	r.broken = errors.New("x.conf:3: unknown key")
	r.talk(unknown...)
}

func TestSensorNumbers(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"04/29 01", "00 c0 00 00 00 00"}, // logs nothing
		step{"04/29 02", "00 c0 23 00 00 00"},
		step{"04/29 03", "00 c0 0f 00 00 00"},
	)
	for _, number := range []string{"00", "04", "05", "06", "07", "08", "ff"} { // 04 to 07 have only events
		r.talk(step{"04/29 " + number, "cb"}, step{"04/2b " + number, "cb"}, step{"04/2d " + number, "cb"})
	}
	require.Empty(t, r.scripts())
}
