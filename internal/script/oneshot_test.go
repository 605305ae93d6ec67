package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

// remembered is what the state directory says of the former boot device.
func (r *Runner) remembered(t *testing.T) string {
	text, err := os.ReadFile(filepath.Join(r.StateDir, "boot-former"))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(text)
}

var (
	pxeOnce   = provider.Boot{Device: provider.DeviceNetwork}
	pxeEFI    = provider.Boot{Device: provider.DeviceNetwork, EFI: true}
	cdOnce    = provider.Boot{Device: provider.DeviceOptical}
	cdForGood = provider.Boot{Device: provider.DeviceOptical, Persistent: true}
	expired   = provider.Boot{Device: provider.DeviceNone}
)

func TestOneShot(t *testing.T) {
	type step struct {
		verb   provider.Verb
		boot   provider.Boot
		fail   string // verb of the script that fails
		ran    string // what ran, on one line
		former string
	}
	for name, steps := range map[string][]step{
		"on": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.On, pxeOnce, "", "power-on network 00 from network; boot-set hd 10", ""},
			{provider.Cycle, expired, "", "power-cycle none 00 from hd", ""},
		},
		"cycle": {
			{provider.On, expired, "", "power-on none 00 from hd", ""},
			{provider.BootSet, pxeEFI, "", "boot-get network 01; boot-set network 01", "hd 1\n"},
			{provider.Cycle, pxeEFI, "", "power-cycle network 01 from network; boot-set hd 11", ""},
		},
		"cycle when off": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.Cycle, pxeOnce, "", "power-on network 00 from network; boot-set hd 10", ""},
		},
		"reset": {
			{provider.On, expired, "", "power-on none 00 from hd", ""},
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.Reset, pxeOnce, "", "power-reset network 00 from network; boot-set hd 10", ""},
		},
		"reset when off": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.Reset, pxeOnce, "power-reset", "", "hd 0\n"},
			{provider.Reset, expired, "power-reset", "", "hd 0\n"},
		},
		"off and on": {
			{provider.On, expired, "", "power-on none 00 from hd", ""},
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.Diag, pxeOnce, "", "power-diag", "hd 0\n"},
			{provider.Shutdown, pxeOnce, "", "power-shutdown", "hd 0\n"},
			{provider.Off, pxeOnce, "", "power-off", "hd 0\n"},
			{provider.On, pxeOnce, "", "power-on network 00 from network; boot-set hd 10", ""},
		},
		"two devices before the boot": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.BootSet, cdOnce, "", "boot-set optical 00", "hd 0\n"},
			{provider.On, cdOnce, "", "power-on optical 00 from optical; boot-set hd 10", ""},
		},
		"for good after all": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.BootSet, cdForGood, "boot-set", "boot-set optical 10", "hd 0\n"},
			{provider.BootSet, cdForGood, "", "boot-set optical 10", ""},
			{provider.On, cdForGood, "", "power-on optical 10 from optical", ""},
		},
		"cannot be set": {
			{provider.BootSet, pxeOnce, "boot-set", "boot-get network 00; boot-set network 00", ""},
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.BootSet, cdOnce, "boot-set", "boot-set optical 00", "hd 0\n"},
			{provider.On, pxeOnce, "", "power-on network 00 from network; boot-set hd 10", ""},
		},
		"cannot be told": {
			{provider.BootSet, pxeOnce, "boot-get", "boot-get network 00; boot-set network 00", ""},
			{provider.On, pxeOnce, "", "power-on network 00 from network", ""},
		},
		"on fails": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.On, pxeOnce, "power-on", "power-on network 00 from network", "hd 0\n"},
			{provider.On, pxeOnce, "", "power-on network 00 from network; boot-set hd 10", ""},
		},
		"cannot be set again": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.On, pxeOnce, "boot-set", "power-on network 00 from network; boot-set hd 10", "hd 0\n"},
			{provider.Off, expired, "", "power-off", "hd 0\n"},
			{provider.On, expired, "", "boot-set hd 10; power-on none 00 from hd", ""},
		},
		"expired": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.On, expired, "", "boot-set hd 10; power-on none 00 from hd", ""},
			{provider.On, expired, "", "power-on none 00 from hd", ""},
		},
		"expired before a cycle": {
			{provider.On, expired, "", "power-on none 00 from hd", ""},
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.Cycle, expired, "", "boot-set hd 10; power-cycle none 00 from hd", ""},
		},
		"expired before a reset": {
			{provider.On, expired, "", "power-on none 00 from hd", ""},
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.Reset, provider.Boot{}, "", "boot-set hd 10; power-reset none 00 from hd", ""},
		},
		"expired, cannot be set again": {
			{provider.BootSet, pxeOnce, "", "boot-get network 00; boot-set network 00", "hd 0\n"},
			{provider.On, expired, "boot-set", "boot-set hd 10; power-on none 00 from network", "hd 0\n"},
			{provider.Cycle, expired, "", "boot-set hd 10; power-cycle none 00 from hd", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newOneShot(t, oneShotScripts)
			for i, step := range steps {
				r.write(t, "ran", "")
				r.write(t, "fail", step.fail+"\n")
				err := r.Act(t.Context(), step.verb, provider.Args{Boot: step.boot}, actionFile(t))
				require.Equal(t, step.fail == step.verb.Identifier(), err != nil, "step %d: %v", i, err)
				ran := strings.ReplaceAll(strings.TrimSpace(r.read(t, "ran")), "\n", "; ")
				require.Equal(t, step.ran, ran, "step %d", i)
				require.Equal(t, step.former, r.remembered(t), "step %d", i)
			}
		})
	}
}

// A cycle that is made of off and on starts the machine once it has its former device again.
func TestOneShotExpiredInCycle(t *testing.T) {
	r := newOneShot(t, strings.Replace(oneShotScripts, "cycle ", "; ", 1))
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{}, actionFile(t)))
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
	require.NoError(t, r.Act(t.Context(), provider.Cycle, provider.Args{}, actionFile(t)))
	require.Equal(t, "power-on none 00 from hd", r.lastRan(t))
	require.Empty(t, r.remembered(t))
}

// Without "boot get", the former device is unknown, and a new device stays.
func TestOneShotWithoutGet(t *testing.T) {
	r := newOneShot(t, strings.Replace(oneShotScripts, "get =", "; ", 1))
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{Boot: pxeOnce}, actionFile(t)))
	require.Equal(t, "power-on network 00 from network", r.lastRan(t))
	require.Empty(t, r.remembered(t))
}

// action.sh and Query know the same words of "boot get".
func TestOneShotRemembersEveryDevice(t *testing.T) {
	for word, device := range deviceWords {
		r := newOneShot(t, oneShotScripts)
		r.write(t, "device", "\t"+word+" \n")
		require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
		require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{Boot: pxeOnce}, actionFile(t)))
		require.Equal(t, "boot-set "+string(device)+" 10", r.lastRan(t), word)
		require.Empty(t, r.remembered(t))
	}

	for _, answer := range []string{"", "usb", "hd hd", "*", "hd exit 0", "\xff\x01", strings.Repeat("x", 10_000)} {
		r := newOneShot(t, oneShotScripts)
		r.write(t, "device", answer+"\n")
		require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
		require.Empty(t, r.remembered(t), answer)
		require.Contains(t, r.read(t, "log"), "the boot device will not be set back after the next boot, unknown: ")
		require.Less(t, len(r.read(t, "log")), 300)
	}
}

func TestOneShotIgnoresNonsense(t *testing.T) {
	for _, text := range []string{"", "hd", "hd 2\n", "usb 0\n", "hd 0 0\n", "$(touch ran) 0\n", "hd 0\nhd 0\n"} {
		r := newOneShot(t, oneShotScripts)
		file := filepath.Join(r.StateDir, "boot-former")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{Boot: pxeOnce}, actionFile(t)))
		require.Equal(t, "power-on network 00 from hd\n", r.read(t, "ran"), text)
		require.Contains(t, r.read(t, "log"), "former boot device ignored: "+file+" holds ")

		require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)))
		require.Equal(t, "hd 0\n", r.remembered(t))
	}
}

// A device that would stay for ever because nothing can be remembered is not set.
func TestOneShotCannotRemember(t *testing.T) {
	r := newOneShot(t, oneShotScripts)
	r.StateDir += "/missing"
	require.ErrorContains(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: pxeOnce}, actionFile(t)), "boot set: exit status ")
	require.Equal(t, "hd\n", r.read(t, "device"))
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: cdForGood}, actionFile(t)))
	require.Equal(t, "optical\n", r.read(t, "device"))
}

// lastRan is the last line in "ran".
func (r *Runner) lastRan(t *testing.T) string {
	lines := strings.Split(strings.TrimSpace(r.read(t, "ran")), "\n")
	return lines[len(lines)-1]
}
