package ipmi

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// scriptErrors are the ways in which a script fails, with the completion code
// of each and whether it leaves the machine as it was.
var scriptErrors = []struct {
	err       error
	code      string
	untouched bool
}{
	{&provider.Error{Exit: 1}, "ff", false},
	{&provider.Error{Exit: 65, Err: provider.ErrState}, "d5", true},
	{&provider.Error{Exit: 66, Err: provider.ErrUnsupported}, "cc", true},
	{&provider.Error{Exit: 75, Err: provider.ErrBusy}, "c0", true},
	{&provider.Error{Err: provider.ErrNoScript}, "d6", true}, // the file has changed meanwhile
	{&provider.Error{Err: provider.ErrTimeout}, "c3", false},
	{&provider.Error{Err: provider.ErrLost}, "ff", false},
	{errors.New("no shell"), "ff", false},
}

func TestChassisStatus(t *testing.T) {
	r := newRig(t, statusOnly)
	r.does[provider.Status] = machine.Reading{On: true}
	r.talk(step{"00/01", "00 01 00 40"})
	r.does[provider.Status] = machine.Reading{On: false}
	r.talk(step{"00/01", "00 00 00 40"})
	require.Equal(t, []string{"power status", "power status"}, r.scripts())

	for _, c := range scriptErrors {
		r.does[provider.Status] = machine.Reading{Err: c.err}
		require.Equal(t, c.code, r.ask("00/01"), "%v: never off", c.err)
	}
	require.True(t, r.Machine.State.PowerOn.Since.IsZero(), "what it is now")
}

func TestChassisControl(t *testing.T) {
	for request, verb := range map[string]string{
		"00/02 00": "power off",
		"00/02 01": "power on",
		"00/02 02": "power cycle",
		"00/02 03": "power reset",
		"00/02 04": "power diag",
		"00/02 05": "power shutdown",
	} {
		r := newRig(t, powerOnly)
		require.Equal(t, "00", r.ask(request))
		require.Equal(t, []string{verb + " none"}, r.scripts())

		r.provide(statusOnly)
		require.Equal(t, "d6", r.ask(request), "the provider has no such script")
		require.Empty(t, r.scripts())
	}
	r := newRig(t, powerOnly)
	for _, request := range []string{"00/02 06", "00/02 0f", "00/02 11", "00/02 21", "00/02 41", "00/02 81"} {
		require.Equal(t, "cc", r.ask(request), request)
	}
	require.Empty(t, r.scripts())
}

// A failure that was not waited for is shown until the next action succeeds.
func TestPowerControlFault(t *testing.T) {
	for _, c := range scriptErrors {
		r := newRig(t, powerOnly)
		r.does[provider.Off] = machine.Reading{Err: c.err}
		require.Equal(t, c.code, r.ask("00/02 00"), "%v", c.err)
		if c.untouched {
			require.Equal(t, "00 00 00 40", r.ask("00/01"), "%v", c.err)
			continue
		}
		require.Equal(t, "00 10 00 40", r.ask("00/01"), "%v", c.err)

		r.restart()
		r.does[provider.On] = machine.Reading{Err: provider.ErrBusy}
		r.talk(step{"00/02 01", "c0"}, step{"00/01", "00 10 00 40"}, step{"00/02 04", "00"}, step{"00/01", "00 00 00 40"})
	}
}

// The last power event is a power on by command, unless it was switched off by
// command since.
func TestLastPowerEvent(t *testing.T) {
	r := newRig(t, powerOnly)
	r.does[provider.Status] = machine.Reading{On: true}
	r.talk(step{"00/01", "00 01 00 40"})
	for _, on := range []string{"01", "02", "03"} {
		r.talk(
			step{"00/02 " + on, "00"}, step{"00/01", "00 01 10 40"},
			step{"00/02 04", "00"}, step{"00/01", "00 01 10 40"},
		)
		r.restart()
		r.talk(step{"00/01", "00 01 10 40"}, step{"00/02 00", "00"}, step{"00/01", "00 01 00 40"})
	}
	r.does[provider.On] = machine.Reading{Err: errors.New("no memory")}
	r.talk(step{"00/02 01", "ff"}, step{"00/01", "00 11 00 40"})
}

func TestBrokenProvider(t *testing.T) {
	for request, verb := range map[string]provider.Verb{
		"00/01":                   "power status",
		"00/02 01":                "power on",
		"00/08 05 80 04 00 00 00": "boot set",
		"00/09 05 00 00":          "boot get",
		"00/00":                   "power diag",
		"00/04":                   "chassis identify",
		"0a/10 00":                "fru get",
		"0a/11 00 00 00 08":       "fru get",
	} {
		r := newRig(t, fullService)
		r.broken = errors.New("x.conf:3: unknown key")
		_, answer := r.Handle(r.request(request))
		if answer.Intent != nil {
			require.Equal(t, verb, answer.Intent.Verb)
		} else {
			require.Equal(t, verb, answer.Question.Verb)
		}
		require.Equal(t, "ff", r.complete(answer))
		require.Equal(t, machine.State{}, r.Machine.State)
	}
}

// A machine that was switched is not switched back because that cannot be kept.
func TestPowerWithoutSpace(t *testing.T) {
	r := newRig(t, powerOnly)
	r.noSpace = true
	r.talk(step{"00/02 01", "00"}, step{"00/01", "00 00 00 40"})
	require.Equal(t, machine.State{}, r.Machine.State)
}

// A diagnostic interrupt is there if the provider can send one.
func TestChassisCapabilities(t *testing.T) {
	newRig(t, statusOnly).talk(step{"00/00", "00 00 20 20 20 20"})
	newRig(t, powerOnly).talk(step{"00/00", "00 04 20 20 20 20"})
}
