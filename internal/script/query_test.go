package script

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		on           bool
		err          string
	}{
		{"on", "echo on", true, ""},
		{"off", "echo off", false, ""},
		{"white space", `printf '\n\t off \r\n\n'`, false, ""},
		{"standard error does not count", "echo off >&2; echo on", true, ""},
		{"nothing", "true", false, `power status: printed "", want "on" or "off"`},
		{"another word", "echo running", false, `power status: printed "running", want "on" or "off"`},
		{"two words", "echo on; echo off", false, `power status: printed "on\noff", want "on" or "off"`},
		{"capitals", "echo Off", false, `power status: printed "Off", want "on" or "off"`},
		{"binary", `printf 'on\001\377'`, false, `power status: printed "on\x01\xff", want "on" or "off"`},
		{"fails", "echo off; exit 3", false, `power status: exit status 3; printed "off"`},
		{"fails in silence", "exit 1", false, `power status: exit status 1`},
		{"not possible", "exit 65", false, `power status: exit status 65: not possible in the present state`},
		{"not supported", "exit 66", false, `power status: exit status 66: not supported`},
		{"busy", "exit 75", false, `power status: exit status 75: busy, try later`},
		{"no such command", "no-such-command", false, `power status: exit status 127`},
		{"syntax error", "if", false, `power status: exit status 2`},
		{"killed", "kill -9 $$", false, `power status: signal: killed`},
		{"relative path", "./say-on", true, ""},
		{"standard input is empty", "cat && echo on", true, ""},
		{"name", "test %(name)s = node-0 && echo on", true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRunner(t, "[POWER]\nstatus="+tt.script+"\n")
			require.NoError(t, os.WriteFile(r.file("say-on"), []byte("#!/bin/sh\necho on\n"), 0o755))
			reading := r.Query(t.Context(), provider.Status, provider.Args{})
			require.True(t, reading.Has)
			if tt.err != "" {
				require.EqualError(t, reading.Err, tt.err)
				require.ErrorAs(t, reading.Err, new(*provider.Error))
			} else {
				require.NoError(t, reading.Err)
			}
			require.Equal(t, tt.on, reading.On)
		})
	}
}

func TestStatusPrintsTooMuch(t *testing.T) {
	for _, script := range []string{
		"echo on; head -c 10000000 /dev/zero | tr '\\0' '\\n'; touch drained",
		"head -c 10000000 /dev/zero; touch drained",
	} {
		r := newRunner(t, "[POWER]\nstatus="+script+"\n")
		err := r.Query(t.Context(), provider.Status, provider.Args{}).Err
		require.ErrorContains(t, err, "power status: more than 4096 bytes; printed ")
		require.Less(t, len(err.Error()), 1000)
		require.FileExists(t, r.file("drained"))
	}
}

func TestExitStatusMeaning(t *testing.T) {
	for exit, want := range map[string]error{"65": provider.ErrState, "66": provider.ErrUnsupported, "75": provider.ErrBusy} {
		r := newRunner(t, "[POWER]\nstatus=exit "+exit+"\noff=exit "+exit+"\n")
		err := r.Query(t.Context(), provider.Status, provider.Args{}).Err
		require.ErrorIs(t, err, want)
		err = r.Act(t.Context(), provider.Off, provider.Args{}, actionFile(t))
		require.ErrorIs(t, err, want)
	}
}

// deviceWords are the words that "boot get" may print.
var deviceWords = map[string]provider.Device{
	"network": provider.DeviceNetwork, "pxe": provider.DeviceNetwork, "hd": provider.DeviceHD, "disk": provider.DeviceHD, "optical": provider.DeviceOptical,
	"cdrom": provider.DeviceOptical, "floppy": provider.DeviceFloppy, "safe": provider.DeviceSafe, "diag": provider.DeviceDiag, "bios": provider.DeviceBIOS,
	"none": provider.DeviceNone,
}

func TestBootDevice(t *testing.T) {
	for printed, want := range deviceWords {
		r := newRunner(t, "[POWER]\nstatus=x\n[BOOT]\nget=echo "+printed+"\n")
		require.Equal(t, machine.Reading{Has: true, Device: want}, r.Query(t.Context(), provider.BootGet, provider.Args{}))
	}

	r := newRunner(t, "[POWER]\nstatus=x\n[BOOT]\nget=echo usb\n")
	require.EqualError(t, r.Query(t.Context(), provider.BootGet, provider.Args{}).Err, `boot get: printed "usb", want a boot device`)

	r = newRunner(t, "[POWER]\nstatus=x\n")
	require.Zero(t, r.Query(t.Context(), provider.BootGet, provider.Args{}), "the provider has no such script")
}

func TestQueryTimeLimitKillsTheGroup(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus=echo hm; sh -c 'echo $$ >grandchild; exec sleep 600'; echo on\n")
	ctx := newLimit()
	failed := make(chan error, 1)
	go func() {
		failed <- r.Query(ctx, provider.Status, provider.Args{}).Err
	}()
	grandchild := r.pid(t, "grandchild")
	close(ctx.done)
	err := <-failed
	require.ErrorIs(t, err, provider.ErrTimeout)
	require.EqualError(t, err, `power status: time limit reached, killed; printed "hm"`)
	eventually(t, func() bool { return !alive(grandchild) })
}

func TestQueryCancelled(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus=echo $$ >pid; exec sleep 600\n")
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		failed <- r.Query(ctx, provider.Status, provider.Args{}).Err
	}()
	pid := r.pid(t, "pid")
	cancel()
	require.NotErrorIs(t, <-failed, provider.ErrTimeout)
	require.False(t, alive(pid))
}

// A process that a script leaves behind with the standard output open neither holds up the answer nor spoils it, and one
// that prints all the time does not hold it up either.
func TestQueryLeavesAProcess(t *testing.T) {
	for background, prints := range map[string]bool{"sleep 600": false, "yes": true} {
		r := newRunner(t, "[POWER]\nstatus="+background+" & echo $! >pid; echo on\n")
		begin := time.Now()
		reading := r.Query(t.Context(), provider.Status, provider.Args{})
		require.Less(t, time.Since(begin), time.Minute)
		if !prints {
			require.Equal(t, machine.Reading{Has: true, On: true}, reading)
		}
		kill9(t, r.pid(t, "pid"))
	}
}

func TestStderrCannotBeOpened(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus=touch ran; echo on\non=touch ran\n")
	broken := errors.New("journal is gone")
	r.Stderr = func(provider.Verb) (*os.File, error) { return nil, broken }
	require.ErrorIs(t, r.Query(t.Context(), provider.Status, provider.Args{}).Err, broken)
	require.ErrorIs(t, r.Act(t.Context(), provider.On, provider.Args{}, actionFile(t)), broken)
	require.NoFileExists(t, r.file("ran"))
}
