package bmc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
)

// The time limit of an action is one from its beginning, whoever waits for it.
func TestTheTimeLimitOfAnAdoptedAction(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "action"))
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, unix.Flock(int(f.Fd()), unix.LOCK_EX))
	script := exec.Command("sleep", "600")
	script.SysProcAttr, script.ExtraFiles = &syscall.SysProcAttr{Setpgid: true}, []*os.File{f}
	require.NoError(t, script.Start())
	_, err = fmt.Fprintf(f, "{}\naction: pid %d\n", script.Process.Pid)
	require.NoError(t, err)
	require.NoError(t, f.Close()) // the lock is the script's
	go func() { _ = script.Wait() }()

	scripts := &Scripts{Action: time.Hour}
	adopted := scripts.adopt(provider.On, f.Name(), time.Hour)
	require.ErrorIs(t, adopted(t.Context()).Err, provider.ErrTimeout)
}

// What the handler of a request has found the provider to say is what is run, whatever
// becomes of the file in between.
func TestTheScriptThatTheHandlerSaw(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.conf")
	require.NoError(t, os.WriteFile(file, []byte("[POWER]\nstatus=echo on\n"), 0o600))
	scripts := &Scripts{File: file, Query: time.Minute, Runner: provider.Runner{
		Stderr: func(provider.Verb) (*os.File, error) { return os.Open(os.DevNull) },
	}}
	seen, err := scripts.look(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))

	result := scripts.query(seen, provider.Status)(t.Context())
	require.NoError(t, result.Err)
	require.True(t, result.On)
	_, err = scripts.look(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
}
