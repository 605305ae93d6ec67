package script

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// The scripts of a machine that boots from what its file "device" says, and note in "ran" what ran: the power scripts
// with what the machine boots from and what they are told of it. The file "fail" names a verb that fails, "hang" one
// that never ends, and "die" one that takes its process group with it.
const oneShotScripts = `
[POWER]
status   = cat state
on       = ./note "$(cat device)"; ./do && echo on >state
off      = ./note; ./do && echo off >state
reset    = ./note "$(cat device)"; ./do
cycle    = ./note "$(cat device)"; ./do
shutdown = ./note; ./do && echo off >state
diag     = ./note; ./do

[BOOT]
get = ./note; cat device; ./do
set = ./note; [ "$SHIPMI_BOOTDEV" = %(bootdev)s ] && ./do && echo %(bootdev)s >device
`

const (
	noteProgram = `#!/bin/sh
echo "$SHIPMI_VERB${SHIPMI_BOOTDEV:+ $SHIPMI_BOOTDEV $SHIPMI_BOOT_PERSISTENT$SHIPMI_BOOT_EFI}${1:+ from $1}" >>ran
`
	doProgram = `#!/bin/sh
if [ "$(cat die)" = "$SHIPMI_VERB" ]; then kill -9 0; fi
if [ "$(cat hang)" = "$SHIPMI_VERB" ]; then echo $$ >hangs; exec sleep 600; fi
if [ "$(cat fail)" = "$SHIPMI_VERB" ]; then exit 7; fi
`
)

func newOneShot(t *testing.T, scripts string) *Runner {
	r := newRunner(t, scripts)
	for name, text := range map[string]string{"state": "off\n", "device": "hd\n", "ran": "", "fail": "", "hang": "", "die": ""} {
		r.write(t, name, text)
	}
	for name, text := range map[string]string{"note": noteProgram, "do": doProgram} {
		require.NoError(t, os.WriteFile(r.file(name), []byte(text), 0o755))
	}
	return r
}

var (
	pxeOnce   = provider.Boot{Device: provider.DeviceNetwork}
	pxeEFI    = provider.Boot{Device: provider.DeviceNetwork, EFI: true}
	cdOnce    = provider.Boot{Device: provider.DeviceOptical}
	cdForGood = provider.Boot{Device: provider.DeviceOptical, Persistent: true}
	noneAtAll = provider.Boot{Device: provider.DeviceNone, Persistent: true}
	hd        = provider.Boot{Device: provider.DeviceHD, Persistent: true}
	hdEFI     = provider.Boot{Device: provider.DeviceHD, Persistent: true, EFI: true}
	noDevice  = provider.Boot{}
)

func setBoot(b provider.Boot) machine.Intent {
	return machine.Intent{Verb: provider.BootSet, Boot: machine.Boot{Boot: b}}
}

func power(v provider.Verb) machine.Intent { return machine.Intent{Verb: v} }

// The former boot device is asked for before the first override, and set again as soon as the override has ended.
func TestOneShot(t *testing.T) {
	type step struct {
		intent machine.Intent
		fail   string // verb of the script that fails
		ran    string // what ran, on one line
		former provider.Boot
	}
	late := func(s step) []step { return []step{{}, s} } // an empty step: the override expires
	set := func(b provider.Boot, former provider.Boot, ran string) step { return step{setBoot(b), "", ran, former} }
	for name, steps := range map[string][]step{
		"on": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.On), "", "power-on network 00 from network; boot-set hd 10", noDevice},
			{power(provider.Cycle), "", "power-cycle none 00 from hd", noDevice},
		},
		"cycle": {
			{power(provider.On), "", "power-on none 00 from hd", noDevice},
			set(pxeEFI, hdEFI, "boot-get network 01; boot-set network 01"),
			{power(provider.Cycle), "", "power-cycle network 01 from network; boot-set hd 11", noDevice},
		},
		"cycle when off": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.Cycle), "", "power-on network 00 from network; boot-set hd 10", noDevice},
		},
		"reset": {
			{power(provider.On), "", "power-on none 00 from hd", noDevice},
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.Reset), "", "power-reset network 00 from network; boot-set hd 10", noDevice},
		},
		"reset when off": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.Reset), "power-reset", "", hd},
		},
		"off and on": {
			{power(provider.On), "", "power-on none 00 from hd", noDevice},
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.Diag), "", "power-diag", hd},
			{power(provider.Shutdown), "", "power-shutdown", hd},
			{power(provider.Off), "", "power-off", hd},
			{power(provider.On), "", "power-on network 00 from network; boot-set hd 10", noDevice},
		},
		"two devices before the boot": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			set(cdOnce, hd, "boot-set optical 00"),
			{power(provider.On), "", "power-on optical 00 from optical; boot-set hd 10", noDevice},
		},
		"for good after all": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{setBoot(cdForGood), "boot-set", "boot-set optical 10", hd},
			set(cdForGood, noDevice, "boot-set optical 10"),
			{power(provider.On), "", "power-on optical 10 from optical", noDevice},
			set(noneAtAll, noDevice, "boot-set hd 10"),
			{power(provider.Cycle), "", "power-cycle none 10 from hd", noDevice},
		},
		"for good, and back": {
			set(cdForGood, noDevice, "boot-get optical 10; boot-set optical 10"),
			set(pxeOnce, cdForGood, "boot-get network 00; boot-set network 00"),
			{power(provider.On), "", "power-on network 00 from network; boot-set optical 10", noDevice},
			{power(provider.Off), "", "power-off", noDevice},
			{power(provider.On), "", "power-on optical 10 from optical", noDevice},
			{setBoot(noneAtAll), "boot-set", "boot-set hd 10", noDevice},
			set(noneAtAll, noDevice, "boot-set hd 10"),
		},
		"cannot be set": {
			{setBoot(pxeOnce), "boot-set", "boot-get network 00; boot-set network 00", noDevice},
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{setBoot(cdOnce), "boot-set", "boot-set optical 00", hd},
			{power(provider.On), "", "power-on network 00 from network; boot-set hd 10", noDevice},
		},
		"cannot be told": {
			{setBoot(pxeOnce), "boot-get", "boot-get network 00; boot-set network 00", noDevice},
			set(cdOnce, noDevice, "boot-set optical 00"), // the former device is not "network"
			{power(provider.On), "", "power-on optical 00 from optical", noDevice},
		},
		"on fails": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.On), "power-on", "power-on network 00 from network", hd},
			{power(provider.On), "", "power-on network 00 from network; boot-set hd 10", noDevice},
		},
		"cannot be set again": {
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
			{power(provider.On), "boot-set", "power-on network 00 from network; boot-set hd 10", hd},
			{power(provider.Off), "", "power-off", hd},
			{power(provider.On), "", "boot-set hd 10; power-on none 00 from hd; boot-set hd 10", noDevice},
		},
		"expired": append([]step{
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
		}, late(step{power(provider.On), "", "boot-set hd 10; power-on none 00 from hd; boot-set hd 10", noDevice})...),
		"expired before a cycle": append([]step{
			{power(provider.On), "", "power-on none 00 from hd", noDevice},
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
		}, late(step{power(provider.Cycle), "", "boot-set hd 10; power-cycle none 00 from hd; boot-set hd 10", noDevice})...),
		"expired before a reset": append([]step{
			{power(provider.On), "", "power-on none 00 from hd", noDevice},
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
		}, late(step{power(provider.Reset), "", "boot-set hd 10; power-reset none 00 from hd; boot-set hd 10", noDevice})...),
		"expired, cannot be set again": append([]step{
			set(pxeOnce, hd, "boot-get network 00; boot-set network 00"),
		}, late(step{power(provider.On), "boot-set", "boot-set hd 10; power-on none 00 from network; boot-set hd 10", hd})...),
	} {
		t.Run(name, func(t *testing.T) {
			o := newOwner(newOneShot(t, oneShotScripts), t.TempDir())
			for i, step := range steps {
				if step.intent.Verb == "" {
					o.now.Uptime += machine.OverrideLife
					continue
				}
				o.runner.write(t, "ran", "")
				o.runner.write(t, "fail", step.fail+"\n")
				err := o.act(step.intent)
				require.Equal(t, step.fail == step.intent.Verb.Identifier(), err != nil, "step %d: %v", i, err)
				ran := strings.ReplaceAll(strings.TrimSpace(o.runner.read(t, "ran")), "\n", "; ")
				require.Equal(t, step.ran, ran, "step %d", i)
				require.Equal(t, step.former, o.machine.State.Former, "step %d", i)
			}
		})
	}
}

// A cycle that is made of off and on starts the machine once it has its former device again.
func TestOneShotExpiredInCycle(t *testing.T) {
	r := newOneShot(t, strings.Replace(oneShotScripts, "cycle ", "; ", 1))
	o := newOwner(r, t.TempDir())
	require.NoError(t, o.act(power(provider.On)))
	require.NoError(t, o.act(setBoot(pxeOnce)))
	require.NoError(t, r.Act(t.Context(), provider.Cycle, provider.Args{Former: o.machine.State.Former}, actionFile(t)))
	require.Equal(t, "power-on none 00 from hd", r.lastRan(t))
}

// Without "boot get", the former device is unknown, and a new device stays.
func TestOneShotWithoutGet(t *testing.T) {
	o := newOwner(newOneShot(t, strings.Replace(oneShotScripts, "get =", "; ", 1)), t.TempDir())
	require.NoError(t, o.act(setBoot(pxeOnce)))
	require.NoError(t, o.act(power(provider.On)))
	require.Equal(t, "power-on network 00 from network", o.runner.lastRan(t))
	require.Zero(t, o.machine.State.Former)
}

// remembered is what action.sh has kept.
func (r *Runner) remembered(t *testing.T) provider.Boot {
	former, err := Former{r.StateDir}.Read()
	require.NoError(t, err)
	return former
}

var remember = provider.Args{Boot: pxeOnce, Remember: true}

// action.sh and Query know the same words of "boot get".
func TestOneShotRemembersEveryDevice(t *testing.T) {
	for word, device := range deviceWords {
		o := newOwner(newOneShot(t, oneShotScripts), t.TempDir())
		o.runner.write(t, "device", "\t"+word+" \n")
		require.NoError(t, o.act(setBoot(pxeOnce)))
		require.NoError(t, o.act(power(provider.On)))
		require.Equal(t, "boot-set "+string(device)+" 10", o.runner.lastRan(t), word)
		require.Zero(t, o.machine.State.Former)
	}

	for _, answer := range []string{"", "usb", "hd hd", "*", "hd exit 0", "\xff\x01", strings.Repeat("x", 10_000)} {
		r := newOneShot(t, oneShotScripts)
		r.write(t, "device", answer+"\n")
		require.NoError(t, r.Act(t.Context(), provider.BootSet, remember, actionFile(t)))
		require.Zero(t, r.remembered(t), answer)
		require.Contains(t, r.read(t, "log"), "the boot device will not be set back after the next boot, unknown: ")
		require.Less(t, len(r.read(t, "log")), 300)
	}
}

func TestOneShotIgnoresNonsense(t *testing.T) {
	for _, text := range []string{"", "hd", "hd 2\n", "usb 0\n", "hd 0 0\n", "$(touch ran) 0\n", "hd 0\nhd 0\n"} {
		r := newOneShot(t, oneShotScripts)
		file := Former{r.StateDir}
		require.NoError(t, os.WriteFile(file.path(), []byte(text), 0o600))
		former, err := file.Read()
		require.ErrorContains(t, err, file.path()+" holds ")
		require.Zero(t, former)

		require.NoError(t, r.Act(t.Context(), provider.BootSet, remember, actionFile(t)))
		require.Equal(t, hd, r.remembered(t))
	}
}

// What an earlier action has left for the BMC is not replaced by the present device.
func TestOneShotKeepsWhatIsRemembered(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	require.NoError(t, r.Act(t.Context(), provider.BootSet, remember, actionFile(t)))
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: cdOnce, Remember: true}, actionFile(t)))
	require.Equal(t, hd, r.remembered(t))
	require.NoError(t, Former{r.StateDir}.Remove())
	require.Zero(t, r.remembered(t))
	require.NoError(t, Former{r.StateDir}.Remove())
}

// A device that would stay for ever because nothing can be remembered is not set.
func TestOneShotCannotRemember(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	r.StateDir += "/missing"
	require.ErrorContains(t, r.Act(t.Context(), provider.BootSet, remember, actionFile(t)), "boot set: exit status ")
	require.Equal(t, "hd\n", r.read(t, "device"))
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: cdForGood, Remember: true}, actionFile(t)))
	require.Equal(t, "optical\n", r.read(t, "device"))
}

// lastRan is the last line in "ran".
func (r *Runner) lastRan(t *testing.T) string {
	lines := strings.Split(strings.TrimSpace(r.read(t, "ran")), "\n")
	return lines[len(lines)-1]
}

// goesDown is a machine whose shutdown script returns at once, while the guest takes two seconds. Meanwhile "on" fails, or
// says that the machine runs.
const goesDown = `
[POWER]
status   = cat state
on       = echo on >>ran; if [ "$(cat state)" = on ]; then %s; fi; echo on >state
shutdown = (sleep 2; echo off >state) >/dev/null 2>&1 &
`

func TestOnWhileTheGuestShutsDown(t *testing.T) {
	for name, refuses := range map[string]string{"on fails": "exit 1", "on says already running": "echo already running; exit 0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOwner(newRunner(t, strings.Replace(goesDown, "%s", refuses, 1)), t.TempDir())
			o.runner.write(t, "state", "on\n")
			require.NoError(t, o.act(power(provider.Shutdown)))
			require.NoError(t, o.act(power(provider.On)))
			require.Equal(t, "on\n", o.runner.read(t, "state"))
			require.Equal(t, "on\n", o.runner.read(t, "ran"), "once, when the machine was off")
			time.Sleep(2 * time.Second) // what would have gone down is down
			require.Equal(t, "on\n", o.runner.read(t, "state"))
		})
	}
}

// A guest that does not obey keeps "on" only for the time that it was given.
func TestOnWhileTheGuestDoesNotShutDown(t *testing.T) {
	t.Parallel()
	r := newRunner(t, "[POWER]\nstatus = echo on\non = exit 1\n")
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{GoingDown: 1500 * time.Millisecond}, actionFile(t)))
	require.Contains(t, r.read(t, "log"), "the machine is not off 1 s after ")
}
