package script

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// TestMain is also the program of processes that tests start. One of them switches a machine on, with a device for this boot,
// and is killed meanwhile.
func TestMain(m *testing.M) {
	if file := os.Getenv("SLEEP_AS_ROOT"); file != "" { // its parent has QUERY_AS_NOBODY
		sleepAsRoot(file)
	}
	if file := os.Getenv("QUERY_AS_NOBODY"); file != "" {
		queryAsNobody(file)
		return
	}
	if dir := os.Getenv("ACTION_DIR"); dir != "" {
		p, err := provider.Load(os.Getenv("PROVIDER_FILE"))
		if err != nil {
			panic(err)
		}
		stderr := func(provider.Verb) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
		r := &Runner{Provider: p, Name: "node-0", StateDir: os.Getenv("STATE"), Environ: os.Environ(), Stderr: stderr}
		file, err := (&actionlog.Log{Dir: dir}).Begin(actionlog.Record{Intent: machine.Intent{Verb: provider.On}})
		if err != nil {
			panic(err)
		}
		panic(r.Act(context.Background(), provider.On, provider.Args{Boot: pxeOnce}, file))
	}
	os.Exit(m.Run())
}

const slowOn = `
[POWER]
status = echo off
on = echo $$ >>started
     until [ -e go ]; do sleep 0.02; done
     exit 75
`

func TestAdoptAfterKill9(t *testing.T) {
	r := newRunner(t, slowOn)
	dir := t.TempDir()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "ACTION_DIR="+dir, "PROVIDER_FILE="+r.Provider.Path)
	require.NoError(t, process.Start())
	script := r.pid(t, "started")
	file := onlyAction(t, dir)
	kill9(t, process.Process.Pid)
	require.Error(t, process.Wait())
	require.True(t, alive(script))

	adopted := make(chan error, 1)
	go func() { adopted <- actionlog.Wait(t.Context(), provider.On, file) }()
	require.NotZero(t, actionlog.Running(file))
	require.Empty(t, adopted)

	r.write(t, "go", "")
	require.ErrorIs(t, <-adopted, provider.ErrBusy, "the exit status of the script")
	require.Equal(t, 1, strings.Count(r.read(t, "started"), "\n"), "runs of the script")

	// A later process learns the same.
	require.EqualError(t, actionlog.Wait(t.Context(), provider.On, file), "power on: exit status 75: busy, try later")
}

func TestAdoptAfterTheTimeLimit(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo off\non = sh -c 'echo $$ >grandchild; exec sleep 600'\n")
	file := actionFile(t)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- r.Act(ctx, provider.On, provider.Args{}, file) }()
	grandchild := r.pid(t, "grandchild")

	// Cancelled, we leave the action alone, as at the end of our process.
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	require.True(t, alive(grandchild))

	// At the time limit, another process kills the whole process group.
	ctx2 := newLimit()
	close(ctx2.done)
	err := actionlog.Wait(ctx2, provider.On, file.Path())
	require.EqualError(t, err, "power on: time limit reached, killed")
	require.ErrorIs(t, err, provider.ErrTimeout)
	eventually(t, func() bool { return !alive(grandchild) })
}

// The script runs on when its wrapper alone is killed, and nothing else runs meanwhile.
func TestWrapperKilledWhileItsScriptRunsOn(t *testing.T) {
	r := newRunner(t, slowOn)
	file := actionFile(t)
	done := make(chan error, 1)
	go func() { done <- r.Act(t.Context(), provider.On, provider.Args{}, file) }()
	script := r.pid(t, "started")
	group, err := syscall.Getpgid(script)
	require.NoError(t, err)
	kill9(t, group)
	require.Equal(t, group, actionlog.Running(file.Path()), "it is locked")
	require.Empty(t, done)

	r.write(t, "go", "")
	require.ErrorIs(t, <-done, provider.ErrLost)
	require.False(t, alive(script))
}

// The reason for killing an action is written to its file, for the next process.
func TestWhyAnActionWasKilledOutlivesUs(t *testing.T) {
	r := newRunner(t, slowOn)
	for cause, text := range map[error]string{
		context.DeadlineExceeded: "power on: time limit reached, killed",
		provider.ErrSuperseded:   "power on: cut short by another action",
	} {
		file := actionFile(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Act(ctx, provider.On, provider.Args{}, file) }()
		r.pid(t, "started")
		cancel(cause)
		require.EqualError(t, <-done, text)
		require.EqualError(t, actionlog.Wait(t.Context(), provider.On, file.Path()), text)
		r.write(t, "started", "")
	}
}

// onlyAction is the path of the one action file in a directory.
func onlyAction(t *testing.T, dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

// A guest that a script leaves in the background lives on, and the next action need not wait for it.
func TestGuestInTheBackground(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo on\non = sleep 600 & echo $! >guest\noff = true\n")
	file := actionFile(t)
	require.NoError(t, r.Act(t.Context(), provider.On, provider.Args{}, file))
	guest := r.pid(t, "guest")
	defer kill9(t, guest)

	ctx := newLimit()
	close(ctx.done)
	require.NoError(t, actionlog.Wait(ctx, provider.On, file.Path()), "ended before its time limit")
	require.NoError(t, r.Act(t.Context(), provider.Off, provider.Args{}, actionFile(t)))
	require.True(t, alive(guest))
}
