package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The built-in providers, run as they are shipped.
const builtin = "../../contrib/providers/"

func TestBuiltinProvidersAreExplained(t *testing.T) {
	files, err := filepath.Glob(builtin + "*.conf")
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		header, _, _ := strings.Cut(string(text), "\n[")
		for _, part := range []string{"Needs:", "Rights:", "Behaviour:", "Tested with:"} {
			require.Contains(t, header, "\n# "+part, file)
		}
	}
}

func TestDummy(t *testing.T) {
	r := loadRunner(t, builtin+"dummy.conf")
	r.Stderr = func(Verb) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
	for _, v := range verbs {
		require.True(t, r.Provider.Has(v), v)
	}
	check := func(want bool, boot Device) {
		t.Helper()
		on, err := r.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, on)
		device, err := r.BootDevice(t.Context())
		require.NoError(t, err)
		require.Equal(t, boot, device)
	}
	act := func(v Verb, args Args) error { return r.Act(t.Context(), v, args, actionFile(t)) }

	check(false, DeviceNone)
	require.ErrorIs(t, act(Reset, Args{}), ErrState)
	require.NoError(t, act(On, Args{}))
	check(true, DeviceNone)
	for _, v := range []Verb{On, Reset, Diag, Cycle, Identify} {
		require.NoError(t, act(v, Args{}))
		check(true, DeviceNone)
	}
	for _, device := range devices {
		require.NoError(t, act(BootSet, Args{Boot: Boot{Device: device, Persistent: true}}))
		check(true, device)
	}
	require.NoError(t, act(BootSet, Args{Boot: Boot{Device: DeviceHD, Persistent: true}}))
	once := Args{Boot: Boot{Device: DeviceNetwork}}
	require.NoError(t, act(BootSet, once))
	require.NoError(t, act(Shutdown, once))
	check(false, DeviceNetwork)
	require.NoError(t, act(Cycle, once))
	check(true, DeviceHD)
	require.NoError(t, act(Off, Args{}))
	check(false, DeviceHD)

	fru, err := r.FRU(t.Context())
	require.NoError(t, err)
	require.Equal(t, FRU{Manufacturer: "ShIPMI", Product: "dummy machine", Serial: "node-0"}, fru)

	r.StateDir += "/missing"
	_, err = r.Status(t.Context())
	require.Error(t, err, "a state that cannot be read is not off")
	require.Error(t, act(On, Args{}))
}

func TestExampleInREADME(t *testing.T) {
	readme, err := os.ReadFile(builtin + "README.md")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(readme), "```ini\n")
	example, _, found := strings.Cut(rest, "```\n")
	require.True(t, found)
	_, err = parse("README.md", example)
	require.NoError(t, err)
}
