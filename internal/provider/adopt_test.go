package provider

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain is also the process that tests kill: it switches a machine on, with a device for this boot.
func TestMain(m *testing.M) {
	if file := os.Getenv("ACTION_FILE"); file != "" {
		p, err := Load(os.Getenv("PROVIDER_FILE"))
		if err != nil {
			panic(err)
		}
		stderr := func(Verb) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
		r := &Runner{Provider: p, Name: "node-0", StateDir: os.Getenv("STATE"), Environ: os.Environ(), Stderr: stderr}
		panic(r.Act(context.Background(), On, Args{Boot: pxeOnce}, file))
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
	file := actionFile(t)
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "ACTION_FILE="+file, "PROVIDER_FILE="+r.Provider.Path)
	require.NoError(t, process.Start())
	script := r.pid(t, "started")
	kill9(t, process.Process.Pid)
	require.Error(t, process.Wait())
	require.True(t, alive(script))

	adopted := make(chan error, 1)
	go func() { adopted <- Adopt(t.Context(), On, file) }()
	require.ErrorIs(t, r.Act(t.Context(), On, Args{}, file), ErrBusy)
	require.Empty(t, adopted)

	r.write(t, "go", "")
	require.ErrorIs(t, <-adopted, ErrBusy, "the exit status of the script")
	require.Equal(t, 1, strings.Count(r.read(t, "started"), "\n"), "runs of the script")

	// Whoever asks later hears the same.
	require.EqualError(t, Adopt(t.Context(), On, file), "power on: exit status 75: busy, try later")
}

func TestAdoptAfterTheTimeLimit(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo off\non = sh -c 'echo $$ >grandchild; exec sleep 600'\n")
	file := actionFile(t)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- r.Act(ctx, On, Args{}, file) }()
	grandchild := r.pid(t, "grandchild")

	// Cancelled, we leave the action alone, as at the end of our process.
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	require.True(t, alive(grandchild))

	// At the time limit, whoever started it, everything in its process group goes.
	ctx2 := newLimit()
	close(ctx2.done)
	err := Adopt(ctx2, On, file)
	require.EqualError(t, err, "power on: time limit reached, killed")
	require.ErrorIs(t, err, ErrTimeout)
	eventually(t, func() bool { return !alive(grandchild) })
}

// The script runs on when its wrapper alone is killed, and nothing else runs meanwhile.
func TestWrapperKilledWhileItsScriptRunsOn(t *testing.T) {
	r := newRunner(t, slowOn)
	file := actionFile(t)
	done := make(chan error, 1)
	go func() { done <- r.Act(t.Context(), On, Args{}, file) }()
	script := r.pid(t, "started")
	group, err := syscall.Getpgid(script)
	require.NoError(t, err)
	kill9(t, group)
	require.ErrorIs(t, r.Act(t.Context(), On, Args{}, file), ErrBusy)
	require.Equal(t, group, Running(file))
	require.Empty(t, done)

	r.write(t, "go", "")
	require.ErrorIs(t, <-done, ErrLost)
	require.False(t, alive(script))
}

// Whoever kills an action says why in its file, for the next process.
func TestWhyAnActionWasKilledOutlivesUs(t *testing.T) {
	r := newRunner(t, slowOn)
	for cause, text := range map[error]string{
		context.DeadlineExceeded: "power on: time limit reached, killed",
		ErrSuperseded:            "power on: cut short by another action",
	} {
		file := actionFile(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Act(ctx, On, Args{}, file) }()
		r.pid(t, "started")
		cancel(cause)
		require.EqualError(t, <-done, text)
		require.EqualError(t, Adopt(t.Context(), On, file), text)
		r.write(t, "started", "")
	}
}

// A removal is a context that removes a file as soon as somebody waits for it to end.
type removal struct {
	context.Context
	file string
}

func (r removal) Done() <-chan struct{} {
	_ = os.Remove(r.file)
	return r.Context.Done()
}

func TestAnActionIsKilledThoughItsFileIsGone(t *testing.T) {
	r := newRunner(t, slowOn)
	file := actionFile(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Act(removal{ctx, file}, On, Args{}, file) }()
	script := r.pid(t, "started")
	eventually(t, func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
	cancel(context.DeadlineExceeded)
	require.ErrorIs(t, <-done, ErrTimeout)
	eventually(t, func() bool { return !alive(script) })
}

// What was lost long ago was not killed at a time limit that has passed since.
func TestAdoptWhatWasLostLongAgo(t *testing.T) {
	file := actionFile(t)
	require.NoError(t, os.WriteFile(file, []byte("header\naction: pid 4\n"), 0o600))
	ctx := newLimit()
	close(ctx.done)
	require.ErrorIs(t, Adopt(ctx, On, file), ErrLost)
}

func TestAdoptWhatNeverRan(t *testing.T) {
	for name, text := range map[string]string{
		"header only":     "header\n",
		"no exit status":  "header\naction: pid 4\n",
		"torn line":       "header\naction: pid 4\naction: exit 0",
		"inside a header": "the action: exit 0\n",
		"empty":           "",
	} {
		file := actionFile(t)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.ErrorIs(t, Adopt(t.Context(), On, file), ErrLost, name)
	}
	require.ErrorIs(t, Adopt(t.Context(), On, "/nonexistent"), os.ErrNotExist)
}

// A guest that a script leaves in the background lives on, and the next action need not wait for it.
func TestGuestInTheBackground(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo on\non = sleep 600 & echo $! >guest\noff = true\n")
	file := actionFile(t)
	require.NoError(t, r.Act(t.Context(), On, Args{}, file))
	guest := r.pid(t, "guest")
	defer kill9(t, guest)

	ctx := newLimit()
	close(ctx.done)
	require.NoError(t, Adopt(ctx, On, file), "ended before its time limit")
	require.NoError(t, r.Act(t.Context(), Off, Args{}, actionFile(t)))
	require.True(t, alive(guest))
}

// A script that runs holds a lock on the file of its action.
func TestRunning(t *testing.T) {
	dir := t.TempDir()
	require.Zero(t, Running(filepath.Join(dir, "none")))
	ended := filepath.Join(dir, "ended")
	require.NoError(t, os.WriteFile(ended, []byte("{}\naction: pid 4711\naction: exit 0\n"), 0o600))
	require.Zero(t, Running(ended))

	runs := filepath.Join(dir, "runs")
	f, err := os.Create(runs)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	require.Zero(t, Running(runs), "it has not said its number yet")
	_, err = f.WriteString("{}\naction: pid 4712\n")
	require.NoError(t, err)
	require.Equal(t, 4712, Running(runs))
}

// The file belongs to the user that the BMC runs as, and who asks may be root.
func TestRunningTrustsNobody(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.Zero(t, Running(pipe), "nor does it wait for somebody to write")
	_, err := OpenAction(pipe)
	require.EqualError(t, err, "action file: "+pipe+" is not a regular file")
	_, err = OpenAction("/dev/null")
	require.EqualError(t, err, "action file: /dev/null is not a regular file", "to open a watchdog is to start it")

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("action: pid 1\n"), 0o600))
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	require.Zero(t, Running(file), "kill -1 would mean everybody")

	link := filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(file, []byte("action: pid 4711\n"), 0o600))
	require.NoError(t, os.Symlink(file, link))
	require.Equal(t, 4711, Running(file))
	require.Zero(t, Running(link))
}
