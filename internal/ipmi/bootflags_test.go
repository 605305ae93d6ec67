package ipmi

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const (
	getFlags = "00/09 05 00 00"
	pxeOnce  = "00/08 05 80 04 00 00 00"
	pxeKept  = "00/08 05 c0 04 00 00 00"
)

func flagsAre(flags string) step { return step{getFlags, "00 01 05 " + flags} }

func TestBootDevices(t *testing.T) {
	for selector, device := range []string{
		"", "network", "hd", "safe", "diag", "optical", "bios", "floppy",
		"optical", "optical", "reserved", "hd", "reserved", "reserved", "reserved", "floppy",
	} {
		r := newRig(t, fullService)
		answer := r.ask(fmt.Sprintf("00/08 05 80 %02x 00 00 00", selector<<2))
		switch device {
		case "reserved":
			require.Equal(t, "cc", answer, "%x", selector)
			require.Empty(t, r.scripts())
		case "":
			require.Equal(t, "00", answer)
			require.Empty(t, r.scripts())
		default:
			require.Equal(t, "00", answer)
			require.Equal(t, []string{"boot set " + device}, r.scripts())
		}
	}
}

// The provider sets a boot device only if the flags ask for another one.
func TestBootSetOnlyIfChanged(t *testing.T) {
	r := newRig(t, fullService)
	r.does[provider.BootGet] = machine.Reading{Device: provider.DeviceOptical}
	for _, c := range []struct{ flags, ran string }{
		{"80 04 00 00 00", "boot set network"},
		{"80 04 00 00 00", ""},
		{"80 84 62 08 01", ""}, // CMOS, console, BIOS, instance
		{"a0 04 00 00 00", "boot set network efi"},
		{"e0 04 00 00 00", "boot set network persistent efi"},
		{"e0 04 00 00 00", ""},
		{"e0 08 00 00 00", "boot set hd persistent efi"},
		{"e0 2c 00 00 00", ""}, // remote, but a hard disk
		{"60 08 00 00 00", ""}, // not valid
		{"e0 08 00 00 00", "boot set hd persistent efi"},
		{"c0 00 00 00 00", "boot set optical persistent"}, // no device: as it was before
		{"c0 00 00 00 00", ""},
		{"80 08 00 00 00", "boot set hd"},
	} {
		require.Equal(t, "00", r.ask("00/08 05 "+c.flags))
		if c.ran == "" {
			require.Empty(t, r.scripts(), c.flags)
		} else {
			require.Equal(t, []string{c.ran}, r.scripts(), c.flags)
		}
	}
}

// Flags that are marked invalid ask for nothing.
func TestInvalidFlags(t *testing.T) {
	r := newRig(t, fullService)
	invalid := step{getFlags, "00 01 85 80 04 00 00 00"}
	r.talk(step{"00/08 85 80 04 00 00 00", "00"}, invalid, step{"00/02 03", "00"})
	require.Equal(t, []string{"power reset none"}, r.scripts())
	r.talk(step{pxeOnce, "00"}, step{"00/08 85", "00"}, invalid, step{"00/02 04", "00"})
	require.Equal(t, []string{"boot set network", "power diag none"}, r.scripts())
}

func TestBootSetFails(t *testing.T) {
	for _, c := range scriptErrors {
		r := newRig(t, fullService)
		r.talk(step{pxeKept, "00"})
		before := r.Machine.State
		r.does[provider.BootSet] = machine.Reading{Err: c.err}
		r.talk(step{"00/08 05 c0 08 00 00 00", c.code}, flagsAre("c0 04 00 00 00"))
		require.Equal(t, before, r.Machine.State, "%v", c.err)
	}
	r := newRig(t, powerOnly)
	r.talk(step{pxeOnce, "d6"}, flagsAre("00 00 00 00 00"))
	require.Empty(t, r.stored)
}

// An option that is written while the script runs is not lost.
func TestBootSetAtLast(t *testing.T) {
	r := newRig(t, allButGet)
	_, slow := r.Handle(&Request{Request: parse(t, pxeOnce), Session: *r.session, Now: r.moment()})
	r.now += 30 * time.Second
	r.talk(step{"00/08 03 08", "00"})
	require.Equal(t, "00", r.complete(slow))
	r.now += time.Hour
	r.talk(step{"00/09 03 00 00", "00 01 03 08"}, flagsAre("80 04 00 00 00"))
}

func TestValidBit(t *testing.T) {
	const valid, expired = "80 04 00 00 00", "00 04 00 00 00"
	wait := func(d time.Duration) func(*rig) { return func(r *rig) { r.now += d } }
	ask := func(request string) func(*rig) {
		return func(r *rig) { require.Equal(r.t, "00", r.ask(request)[:2]) }
	}
	restart := (*rig).restart
	reboot := (*rig).reboot

	for name, c := range map[string]struct {
		steps []func(*rig)
		flags string
	}{
		"fresh":                {[]func(*rig){ask(pxeOnce)}, valid},
		"just in time":         {[]func(*rig){ask(pxeOnce), wait(machine.OverrideLife - 1)}, valid},
		"60 s":                 {[]func(*rig){ask(pxeOnce), wait(60 * time.Second)}, expired},
		"process between":      {[]func(*rig){ask(pxeOnce), wait(59 * time.Second), restart}, valid},
		"process, too long":    {[]func(*rig){ask(pxeOnce), restart, wait(61 * time.Second), restart}, expired},
		"host was rebooted":    {[]func(*rig){ask(pxeOnce), reboot}, expired},
		"rebooted, persistent": {[]func(*rig){ask(pxeKept), reboot}, "c0 04 00 00 00"},
		"persistent":           {[]func(*rig){ask(pxeKept), wait(1000 * time.Hour)}, "c0 04 00 00 00"},
		"written again":        {[]func(*rig){ask(pxeOnce), wait(50 * time.Second), ask(pxeOnce), wait(50 * time.Second)}, valid},
		"other option written": {[]func(*rig){ask(pxeOnce), wait(50 * time.Second), ask("00/08 04 ff ff"), wait(10 * time.Second)}, expired},

		"switched off before":      {[]func(*rig){ask("00/08 03 08"), ask(pxeOnce), wait(1000 * time.Hour)}, valid},
		"switched off after":       {[]func(*rig){ask(pxeOnce), wait(59 * time.Second), ask("00/08 03 1f"), wait(time.Hour)}, valid},
		"switched off, reboot":     {[]func(*rig){ask("00/08 03 08"), ask(pxeOnce), reboot}, valid},
		"switched off too late":    {[]func(*rig){ask(pxeOnce), wait(time.Hour), ask("00/08 03 08")}, expired},
		"switched off, on again":   {[]func(*rig){ask("00/08 03 08"), ask(pxeOnce), wait(time.Hour), ask("00/08 03 00")}, expired},
		"another bit":              {[]func(*rig){ask("00/08 03 17"), ask(pxeOnce), wait(time.Hour)}, expired},
		"Chassis Control in time":  {[]func(*rig){ask(pxeOnce), wait(59 * time.Second), ask("00/02 00"), wait(time.Hour)}, valid},
		"Chassis Control, process": {[]func(*rig){ask(pxeOnce), ask("00/02 05"), restart, wait(time.Hour), restart}, valid},
		"Chassis Control too late": {[]func(*rig){ask(pxeOnce), wait(60 * time.Second), ask("00/02 00")}, expired},
		"late, then switched off":  {[]func(*rig){ask(pxeOnce), wait(time.Hour), ask("00/02 04"), ask("00/08 03 08")}, expired},
		"status is no control":     {[]func(*rig){ask(pxeOnce), ask("00/01"), wait(time.Hour)}, expired},
		"control, then written":    {[]func(*rig){ask(pxeOnce), ask("00/02 04"), ask(pxeOnce), wait(time.Hour)}, expired},
		"expired, then written":    {[]func(*rig){ask(pxeOnce), wait(time.Hour), ask(pxeOnce)}, valid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, allButGet)
			for _, do := range c.steps {
				do(r)
			}
			r.talk(flagsAre(c.flags))
		})
	}
}

// The selector of an override of another front is the device's first. A selector that a
// client wrote reads back.
func TestFlagsOfOtherFronts(t *testing.T) {
	r := newRig(t, allButGet)
	r.talk(step{"00/08 05 80 20 62 0a 1f", "00"}, flagsAre("80 20 62 0a 1f")) // remote optical
	r.Machine.Update(func(s *machine.State) {
		s.Override = machine.Override{
			Boot:  machine.Boot{Boot: provider.Boot{Device: provider.DeviceOptical, Persistent: true, EFI: true}},
			Valid: true,
		}
	})
	r.talk(flagsAre("e0 14 00 00 00"))
	r.Machine.Update(func(s *machine.State) {
		s.Override = machine.Override{
			Boot:  machine.Boot{Boot: provider.Boot{Device: provider.DeviceHD}, Raw: [5]byte{0x80, 0xA3, 0x62, 0x0A, 0x1F}},
			Valid: true,
		}
	})
	r.talk(flagsAre("80 8b 62 0a 1f"))
}

// Flags that have expired ask for nothing: the same ones are new again, and a
// script is not told of them.
func TestExpiredFlags(t *testing.T) {
	r := newRig(t, allButGet)
	r.talk(step{pxeOnce, "00"})
	r.now += time.Minute
	r.talk(step{pxeOnce, "00"})
	r.now += time.Minute
	r.talk(step{"00/02 03", "00"})
	require.Equal(t, []string{"boot set network", "boot set network", "power reset none"}, r.scripts())
}

func TestOneShot(t *testing.T) {
	const kept, used = "a0 04 00 00 00", "20 00 00 00 00" // the mode stays
	for _, c := range []struct {
		request string
		err     error
		flags   string
	}{
		{"00/02 01", nil, used},
		{"00/02 02", nil, used},
		{"00/02 03", nil, used},
		{"00/02 00", nil, kept},
		{"00/02 04", nil, kept},
		{"00/02 05", nil, kept},
		{"00/02 01", provider.ErrTimeout, kept},
		{"00/02 02", &provider.Error{Exit: 1}, kept},
		{"00/02 03", provider.ErrState, kept},
		{"00/02 03", provider.ErrBusy, kept},
	} {
		r := newRig(t, allButGet)
		r.talk(step{"00/08 05 a0 04 00 00 00", "00"})
		r.scripts()
		for _, verb := range []provider.Verb{provider.On, provider.Cycle, provider.Reset} {
			r.does[verb] = machine.Reading{Err: c.err}
		}
		r.ask(c.request)
		require.Regexp(t, "^power [a-z]+ network efi$", r.scripts()[0], "scripts are told what is in force")
		r.restart()
		r.talk(flagsAre(c.flags))

		r = newRig(t, allButGet)
		r.talk(step{pxeKept, "00"})
		r.ask(c.request)
		r.talk(flagsAre("c0 04 00 00 00"))
	}
}

// A script that refused did not start the clock nor stop it.
func TestRefusedControl(t *testing.T) {
	r := newRig(t, allButGet)
	r.does[provider.Reset] = machine.Reading{Err: provider.ErrState}
	r.talk(step{pxeOnce, "00"}, step{"00/02 03", "d5"})
	r.now += time.Minute
	r.talk(flagsAre("00 04 00 00 00"))
}

// What a client has written reads back, also when it has expired: never as a device for
// every boot that the provider is about to change again.
func TestExpiredFlagsReadBackFromTheRecord(t *testing.T) {
	r := newRig(t, fullService)
	r.does[provider.BootGet] = machine.Reading{Device: provider.DeviceNetwork}
	r.talk(step{pxeOnce, "00"})
	r.now += 63 * time.Second
	r.scripts()
	r.talk(flagsAre("00 04 00 00 00"))
	require.Empty(t, r.scripts(), "the provider is not asked")
}

// pyghmi clears the flags for set_bootdev("default"), and takes flags that are not valid as
// the default.
func TestDefaultReadsBackAsTheDefault(t *testing.T) {
	r := newRig(t, fullService)
	r.does[provider.BootGet] = machine.Reading{Device: provider.DeviceNetwork}
	r.talk(
		step{"00/08 03 08", "00"}, step{pxeOnce, "00"},
		step{"00/08 03 08", "00"}, step{"00/08 05 00 00 00 00 00", "00"}, flagsAre("00 00 00 00 00"),
	)
}

// The mode reads back while nothing is overridden, beside the device that the provider tells.
func TestModeIsKeptWhileNothingIsOverridden(t *testing.T) {
	r := newRig(t, fullService)
	r.does[provider.BootGet] = machine.Reading{Device: provider.DeviceHD}
	r.talk(step{"00/08 05 a0 04 00 00 00", "00"}, step{"00/02 01", "00"}, flagsAre("e0 08 00 00 00"))
	r.Machine.Update(func(s *machine.State) { s.Former = provider.Boot{} }) // it was set again
	r.talk(flagsAre("e0 08 00 00 00"))
	require.Equal(t, "boot get", r.scripts()[2])
}

// "No device for every boot" brings back the device from before the first override. If that
// device is unknown, the request is refused.
func TestNoDeviceForEveryBoot(t *testing.T) {
	const none = "00/08 05 c0 00 00 00 00"
	r := newRig(t, fullService)
	r.does[provider.BootGet] = machine.Reading{Device: provider.DeviceHD}
	r.talk(step{pxeKept, "00"}, step{"00/02 01", "00"}, step{"00/02 00", "00"})
	r.scripts()
	r.talk(step{none, "00"}, flagsAre("c0 00 00 00 00"))
	require.Equal(t, []string{"boot set hd persistent"}, r.scripts())

	r = newRig(t, fullService) // whose provider cannot say what it boots from
	r.talk(step{pxeKept, "00"}, step{none, "cc"}, flagsAre("c0 04 00 00 00"))
	require.Equal(t, []string{"boot set network persistent"}, r.scripts())

	r = newRig(t, allButGet) // whose provider is told the device at each start
	r.talk(step{pxeKept, "00"}, step{none, "00"}, step{"00/02 01", "00"})
	require.Equal(t, []string{"boot set network persistent", "boot set none persistent", "power on none persistent"}, r.scripts())

	newRig(t, powerOnly).talk(step{none, "d6"})
}

// Flags that were marked invalid were taken back. Marked valid again, they ask the provider
// again.
func TestFlagsThatAreMarkedValidAgain(t *testing.T) {
	r := newRig(t, fullService)
	r.talk(step{pxeOnce, "00"}, step{"00/08 85", "00"}, step{"00/08 05", "00"}, flagsAre("80 04 00 00 00"))
	require.Equal(t, []string{"boot set network", "boot set network"}, r.scripts())
}
