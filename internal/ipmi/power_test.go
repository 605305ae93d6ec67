package ipmi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestPowerRestorePolicy(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(
		step{"00/01", "00 00 00 40"},
		step{"00/06 03", "00 07"}, step{"00/01", "00 00 00 40"},
		step{"00/06 01", "00 07"}, step{"00/01", "00 20 00 40"},
		step{"00/06 02", "00 07"}, step{"00/01", "00 40 00 40"},
	)
	r.restart()
	r.talk(
		step{"00/06 03", "00 07"}, step{"00/01", "00 40 00 40"},
		step{"00/06 04", "cc"}, step{"00/06 0a", "cc"}, step{"00/06 80", "cc"},
		step{"00/06 00", "00 07"}, step{"00/01", "00 00 00 40"},
	)
	r.noSpace = true
	r.talk(step{"00/06 02", "ff"}, step{"00/01", "00 00 00 40"})
}

func TestRestartCause(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"00/07", "00 00 01"}, step{"00/02 00", "00"}, step{"00/07", "00 00 01"}, step{"00/02 03", "00"}, step{"00/07", "00 01 01"})
	for cause, want := range map[machine.Cause]string{
		machine.CauseWatchdog: "04", machine.CauseRestoreOn: "06", machine.CauseRestorePrevious: "07",
	} {
		r.play(machine.Intent{Verb: provider.On}, cause)
		r.talk(step{"00/07", "00 " + want + " 01"})
	}
}

func TestPowerOnHours(t *testing.T) {
	r := newRig(t, powerOnly)
	hours := func(want string) { t.Helper(); r.talk(step{"00/0f", "00 3c " + want}) }
	hours("00 00 00 00")
	r.does[provider.Status] = machine.Reading{On: true}
	r.talk(step{"00/01", "00 01 00 40"}) // found to be on
	r.now += 59 * time.Minute
	hours("00 00 00 00")
	r.now += time.Minute
	hours("01 00 00 00")
	r.now += 299 * time.Hour
	r.restart()
	hours("2c 01 00 00")
	r.talk(step{"00/02 00", "00"})
	r.now += 1000 * time.Hour
	hours("2c 01 00 00")
	r.talk(step{"00/02 01", "00"})
	r.now += time.Hour
	hours("2d 01 00 00")
}

func TestACPIPowerState(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(step{"06/07", "00 05 00"})
	r.does[provider.Status] = machine.Reading{On: true}
	r.talk(step{"06/07", "00 00 00"})
	for _, c := range scriptErrors {
		r.does[provider.Status] = machine.Reading{Err: c.err}
		r.talk(step{"06/07", c.code})
	}
}

func TestIdentify(t *testing.T) {
	r := newRig(t, statusOnly)
	const off, timed, forced = "00 00 00 40", "00 00 00 50", "00 00 00 60"
	state := func(want string) { t.Helper(); r.talk(step{"00/01", want}) }
	state(off)
	r.talk(step{"00/04", "00"}) // for 15 s
	r.now += 14 * time.Second
	state(timed)
	r.now += time.Second
	state(off)
	r.talk(step{"00/04 ff", "00"})
	r.restart()
	r.now += 254 * time.Second
	state(timed)
	r.talk(step{"00/04 00", "00"})
	state(off)
	r.talk(step{"00/04 00 01", "00"})
	r.now += time.Hour
	state(forced)
	r.talk(step{"00/04 00 00", "00"})
	state(off)
	r.talk(step{"00/04 0a 02", "cc"}, step{"00/04 0a 80", "cc"})

	r.talk(step{"00/04 ff", "00"})
	r.reboot()
	state(off)
}

// The light is the provider's, if it has a script for it.
func TestIdentifyScript(t *testing.T) {
	for request, light := range map[string]provider.Light{
		"00/04":       {On: true, Seconds: 15},
		"00/04 3c":    {On: true, Seconds: 60},
		"00/04 00":    {},
		"00/04 00 00": {},
		"00/04 00 01": {On: true},
		"00/04 3c 01": {On: true},
	} {
		r := newRig(t, statusOnly+"[CHASSIS]\nidentify=.\n")
		_, answer := r.Handle(r.request(request))
		require.Equal(t, &machine.Intent{Verb: provider.Identify, Light: light}, answer.Intent, request)
		require.Equal(t, light, r.Machine.Plan(*answer.Intent, machine.CauseUnknown).Args(r.moment()).Light)
		require.Equal(t, "00", r.complete(answer))
		require.Equal(t, light.On && light.Seconds == 0, r.Machine.State.Identify.Forced)
		for _, c := range scriptErrors {
			before := r.Machine.State
			r.does[provider.Identify] = machine.Reading{Err: c.err}
			r.talk(step{"00/04 00 01", c.code})
			require.Equal(t, before, r.Machine.State)
		}
	}
}
