package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// actionFile begins an action in a log of its own.
func actionFile(t *testing.T) *actionlog.File {
	file, err := (&actionlog.Log{Dir: t.TempDir()}).Begin(actionlog.Record{Intent: machine.Intent{Verb: provider.On}})
	require.NoError(t, err)
	return file
}

// The scripts of the rules tests note in "ran" what ran, and as what. The file "state" is what status prints, but once
// "on" if there is a file "lag".
const notes = `
[POWER]
status = echo "$SHIPMI_VERB" >>ran; if [ -e lag ]; then rm lag; echo on; else cat state; fi
`

const (
	noted   = `echo "$SHIPMI_VERB" >>ran; `
	working = "on = " + noted + "echo on >state\noff = " + noted + "echo off >state\n"
)

// The shell of the provider runs queries and actions, the status within an action among them.
func TestShellOfProvider(t *testing.T) {
	shell := filepath.Join(t.TempDir(), "bash")
	require.NoError(t, os.WriteFile(shell, []byte("#!/bin/sh\nexport ODD_SHELL=yes\nexec sh \"$@\"\n"), 0o700))
	r := newRunner(t, "[PROVIDER]\nshell = "+shell+`
[POWER]
status = echo "status $ODD_SHELL" >>ran; echo off
off = echo "off $ODD_SHELL" >>ran; exit 1
`)
	require.NoError(t, r.Query(t.Context(), provider.Status, provider.Args{}).Err)
	require.NoError(t, r.Act(t.Context(), provider.Off, provider.Args{}, actionFile(t)))
	require.Equal(t, "status yes\noff yes\nstatus yes\n", r.read(t, "ran"))
}

func TestActionRules(t *testing.T) {
	for _, tt := range []struct {
		name    string
		verb    provider.Verb
		state   string
		scripts string
		want    string // verbs that ran
		err     string
	}{
		{"on", provider.On, "off", working, "power-on", ""},
		{"on when on", provider.On, "on", "on = " + noted + "exit 1", "power-on power-status", ""},
		{"on fails", provider.On, "off", "on = " + noted + "exit 4", "power-on power-status", "power on: exit status 4"},
		{"on fails, status too", provider.On, "x", "on = " + noted + "exit 4", "power-on power-status", "power on: exit status 4"},
		{"off", provider.Off, "on", working, "power-off", ""},
		{"off when off", provider.Off, "off", "off = " + noted + "exit 1", "power-off power-status", ""},
		{"off fails", provider.Off, "on", "off = " + noted + "exit 4", "power-off power-status", "power off: exit status 4"},
		{"shutdown", provider.Shutdown, "on", "shutdown = " + noted + "true", "power-shutdown", ""},
		{"shutdown when off", provider.Shutdown, "off", "shutdown = " + noted + "exit 1", "power-shutdown power-status", ""},
		{"reset", provider.Reset, "on", "reset = " + noted + "true", "power-status power-reset", ""},
		{
			"reset when off", provider.Reset, "off", "reset = " + noted + "true", "power-status",
			"power reset: exit status 65: not possible in the present state",
		},
		{"reset in an unknown state", provider.Reset, "paused", "reset = " + noted + "true", "power-status power-reset", ""},
		{"diag", provider.Diag, "off", "diag = " + noted + "true", "power-diag", ""},
		{"diag fails", provider.Diag, "on", "diag = " + noted + "exit 9", "power-diag", "power diag: exit status 9"},
		{"own cycle", provider.Cycle, "on", working + "cycle = " + noted + "true", "power-status power-cycle", ""},
		{"own cycle when off", provider.Cycle, "off", working + "cycle = " + noted + "true", "power-status power-on", ""},
		{"cycle", provider.Cycle, "on", working, "power-status power-off power-status power-on", ""},
		{"cycle when off", provider.Cycle, "off", working, "power-status power-on", ""},
		{
			"cycle, off fails", provider.Cycle, "on", "off = " + noted + "exit 4\non = " + noted,
			"power-status power-off power-status", "power cycle: exit status 4",
		},
		{
			"cycle, off fails but it is off", provider.Cycle, "on", "off = " + noted + "echo off >state; exit 4\non = " + noted + "echo on >state",
			"power-status power-off power-status power-status power-on", "",
		},
		{
			"cycle, slow to go off", provider.Cycle, "on",
			"off = " + noted + "echo off >state; touch lag\non = " + noted,
			"power-status power-off power-status power-status power-on", "",
		},
		{"cycle, on fails", provider.Cycle, "off", "off = true\non = " + noted + "exit 4", "power-status power-on power-status", "power cycle: exit status 4"},
		{"no script", provider.Diag, "on", working, "", "power diag: the provider has no such script"},
		{"no script for boot set", provider.BootSet, "on", working, "", "boot set: the provider has no such script"},
		{"killed script", provider.Diag, "on", "diag = kill -9 $$", "", "power diag: exit status 137"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRunner(t, notes+tt.scripts)
			r.write(t, "state", tt.state+"\n")
			r.write(t, "ran", "")
			file := actionFile(t)
			err := r.Act(t.Context(), tt.verb, provider.Args{}, file)
			if tt.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.err)
			}
			require.Equal(t, tt.want, strings.Join(strings.Fields(r.read(t, "ran")), " "))
		})
	}
}

// action.sh and Query read the status in the same way.
func TestActionReadsStatusStrictly(t *testing.T) {
	for script, off := range map[string]bool{
		"echo off":                           true,
		`printf '\n\t off \n\n'`:             true,
		"echo off >&2; echo on":              false,
		"echo off; exit 1":                   false,
		"echo off off":                       false,
		"echo Off":                           false,
		"echo '*'":                           false,
		"true":                               false,
		"yes off":                            false,
		"head -c 10000000 /dev/zero":         false,
		`printf 'off\001\377'`:               false,
		"sleep 600 & echo $! >pid; echo off": true,
	} {
		r := newRunner(t, "[POWER]\nstatus = "+script+"\nreset = true\n")
		err := r.Act(t.Context(), provider.Reset, provider.Args{}, actionFile(t))
		if off {
			require.ErrorIs(t, err, provider.ErrState, script)
		} else {
			require.NoError(t, err, script)
		}
		if strings.HasPrefix(script, "sleep") {
			kill9(t, r.pid(t, "pid"))
		}
	}
}

func TestBootSet(t *testing.T) {
	r := newRunner(t, `
[POWER]
status = echo on
[BOOT]
set = echo %(name)s %(bootdev)s $SHIPMI_BOOTDEV $SHIPMI_BOOT_PERSISTENT $SHIPMI_BOOT_EFI %%d >asked
`)
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: provider.Boot{Device: provider.DeviceNetwork, EFI: true}}, actionFile(t)))
	require.Equal(t, "node-0 network network 0 1 %d\n", r.read(t, "asked"))
	require.NoError(t, r.Act(t.Context(), provider.BootSet, provider.Args{Boot: provider.Boot{Device: provider.DeviceHD, Persistent: true}}, actionFile(t)))
	require.Equal(t, "node-0 hd hd 1 0 %d\n", r.read(t, "asked"))
}

func TestActionFile(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo on\non = cat; echo out; echo err >&2; exit 0\n")
	file := actionFile(t)
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{}, file))
	text, err := os.ReadFile(file.Path())
	require.NoError(t, err)
	require.Regexp(t, `^\{.*\} [0-9a-f]{8}\naction: pid \d+\naction: exit 0\n$`, string(text))
	require.Equal(t, "out\nerr\n", r.read(t, "log"))
	require.ErrorIs(t, r.Act(t.Context(), provider.On, provider.Args{}, file), os.ErrClosed, "one file is for one action")
}
