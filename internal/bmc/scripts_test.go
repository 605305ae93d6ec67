package bmc

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

// What runs is what the files of the provider say now, with the parameters that they declare now.
func TestScriptsAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	s := &Scripts{
		File:   filepath.Join(dir, "etc.conf"),
		Dirs:   []string{dir},
		Given:  map[string]string{"say": "on"},
		Runner: provider.Runner{Name: "node-0", StateDir: dir},
		Query:  time.Minute,
	}
	s.Runner.Stderr = func(provider.Verb) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
	status := func() (bool, error) {
		r := s.query(provider.Status)(t.Context())
		return r.On, r.Err
	}
	const parameters = "[PARAMETERS]\nsay=what to say\n"

	_, err := status()
	require.ErrorIs(t, err, os.ErrNotExist)
	write("etc.conf", "[PROVIDER]\ninclude=base\n")
	write("base.conf", parameters+"[POWER]\nstatus=echo $SHIPMI_PARAM_SAY\n")
	on, err := status()
	require.NoError(t, err)
	require.True(t, on)

	first, err := s.Provider()
	require.NoError(t, err)
	again, err := s.Provider()
	require.NoError(t, err)
	require.Same(t, first, again)

	write("base.conf", parameters+"[POWER]\nstatus=echo off # %(say)s\n")
	on, err = status()
	require.NoError(t, err)
	require.False(t, on)

	write("base.conf", "[POWER]\nstatus=echo on\n")
	for range 2 {
		_, err = status()
		require.EqualError(t, err, `provider "etc": no parameter "say"`)
	}
}
