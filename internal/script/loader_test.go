package script

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Runner runs the scripts that were in the provider file when it was loaded, whatever
// becomes of the file later.
func TestARunnerOutlivesItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.conf")
	require.NoError(t, os.WriteFile(file, []byte("[POWER]\nstatus=echo on\n"), 0o600))
	l := &Loader{File: file, Runner: Runner{
		Stderr: func(provider.Verb) (*os.File, error) { return os.Open(os.DevNull) },
	}}
	seen, err := l.Load(t.Context())
	require.NoError(t, err)
	again, err := l.Load(t.Context())
	require.NoError(t, err)
	require.Same(t, seen, again)
	require.NoError(t, os.Remove(file))

	require.Equal(t, machine.Reading{Has: true, On: true}, seen.Query(t.Context(), provider.Status, provider.Args{}))
	_, err = l.Load(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A lease delays every open of a file, as a file system does whose server is gone, for
// lease-break-time: 45 s.
func TestAFileThatCannotBeOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.conf")
	write := func(status string) {
		t.Helper()
		require.NoError(t, os.WriteFile(file, []byte("[POWER]\nstatus="+status+"\n"), 0o600))
	}
	write("echo on")
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	require.NoError(t, err)

	l := &Loader{File: file}
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := l.Load(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, file)
	}

	// Those that wait at the same time share the next reading.
	type loaded struct {
		runner *Runner
		err    error
	}
	waiting := make(chan loaded, 10)
	for range cap(waiting) {
		go func() {
			runner, err := l.Load(t.Context())
			waiting <- loaded{runner, err}
		}()
	}
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	require.NoError(t, err)
	for range cap(waiting) {
		result := <-waiting
		require.NoError(t, result.err)
		require.Equal(t, "echo on", result.runner.Script(provider.Status, provider.Boot{}))
	}
	write("echo off")
	runner, err := l.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "echo off", runner.Script(provider.Status, provider.Boot{}))
}
