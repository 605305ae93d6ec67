package actionlog

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// sleeping is an action that sleeps until it is killed.
func sleeping(t *testing.T) (path string, ended <-chan error) {
	file, err := (&Log{Dir: t.TempDir()}).Begin(Record{Intent: machine.Intent{Verb: provider.On}})
	require.NoError(t, err)
	script := exec.Command("sleep", "600")
	script.SysProcAttr, script.ExtraFiles = &syscall.SysProcAttr{Setpgid: true}, []*os.File{file.Descriptor()}
	require.NoError(t, script.Start())
	_, err = fmt.Fprintf(file.Descriptor(), "action: pid %d\n", script.Process.Pid)
	require.NoError(t, err)
	require.NoError(t, file.Close()) // the lock is the script's
	end := make(chan error, 1)
	go func() { end <- script.Wait() }()
	return file.Path(), end
}

// When the time limit of an action has passed before a process waits for it, the action is
// killed at once.
func TestWaitBeyondTheTimeLimit(t *testing.T) {
	path, ended := sleeping(t)
	ctx, cancel := context.WithTimeout(t.Context(), -time.Minute)
	defer cancel()
	require.ErrorIs(t, Wait(ctx, provider.On, path), provider.ErrTimeout)
	require.EqualError(t, <-ended, "signal: killed")
}

// A removal is a context that removes a file as soon as a caller waits for the context to end.
type removal struct {
	context.Context
	file string
}

func (r removal) Done() <-chan struct{} {
	_ = os.Remove(r.file)
	return r.Context.Done()
}

func TestAnActionIsKilledThoughItsFileIsGone(t *testing.T) {
	path, ended := sleeping(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- Wait(removal{ctx, path}, provider.On, path) }()
	require.Eventually(t, func() bool {
		_, err := os.Stat(path)
		return os.IsNotExist(err)
	}, 20*time.Second, 5*time.Millisecond)
	cancel(context.DeadlineExceeded)
	require.ErrorIs(t, <-done, provider.ErrTimeout)
	require.EqualError(t, <-ended, "signal: killed")
}

// An action that was lost long ago was not killed at a time limit that has passed since.
func TestWaitForWhatWasLostLongAgo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "action.1")
	require.NoError(t, os.WriteFile(file, []byte("header\naction: pid 4\n"), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	require.ErrorIs(t, Wait(ctx, provider.On, file), provider.ErrLost)
}

func TestWaitForWhatNeverRan(t *testing.T) {
	for name, text := range map[string]string{
		"header only":     "header\n",
		"no exit status":  "header\naction: pid 4\n",
		"torn line":       "header\naction: pid 4\naction: exit 0",
		"inside a header": "the action: exit 0\n",
		"empty":           "",
	} {
		file := filepath.Join(t.TempDir(), "action.1")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.ErrorIs(t, Wait(t.Context(), provider.On, file), provider.ErrLost, name)
	}
	require.ErrorIs(t, Wait(t.Context(), provider.On, "/nonexistent"), os.ErrNotExist)
}
