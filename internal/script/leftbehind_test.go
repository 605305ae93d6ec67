package script

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

// The user nobody may not kill the processes of root.
const nobody = 65534

// queryAsNobody runs in the test binary, which has the user nobody: it prints how a query ends at
// its time limit, and then another query.
func queryAsNobody(file string) {
	p, err := provider.Load(file)
	if err != nil {
		panic(err)
	}
	r := &Runner{
		Provider: p,
		Environ:  os.Environ(),
		Stderr:   func(provider.Verb) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) },
		Log:      slog.New(slog.NewTextHandler(os.Stdout, nil)),
	}
	limit := newLimit()
	go func() {
		for {
			if _, err := os.Stat(r.file("pid")); err == nil {
				close(limit.done)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	fmt.Println(r.Query(limit, provider.Status, provider.Args{}).Err)
	fmt.Println(r.Query(context.Background(), provider.BootGet, provider.Args{}).Device)
}

// sleepAsRoot is what the test binary does as a setuid program: it becomes a process that
// the user cannot kill.
func sleepAsRoot(pidFile string) {
	if err := syscall.Setuid(0); err != nil {
		panic(err)
	}
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		panic(err)
	}
	time.Sleep(time.Hour)
}

// A query whose process cannot be killed ends at its time limit. The process is left behind
// with a log line, and later queries are not affected.
func TestQueryThatCannotBeKilled(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a setuid program of another user takes root")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // of this test, which made it for root alone
	self, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	plain, setuid := filepath.Join(dir, "plain"), filepath.Join(dir, "setuid")
	for path, mode := range map[string]os.FileMode{plain: 0o755, setuid: 0o755 | os.ModeSetuid} {
		require.NoError(t, os.WriteFile(path, self, 0o700))
		require.NoError(t, os.Chmod(path, mode))
	}
	r := newRunner(t, "[POWER]\nstatus=SLEEP_AS_ROOT=$PWD/pid exec "+setuid+"\n[BOOT]\nget=echo hd\n")

	cmd := exec.Command(plain)
	cmd.Env = append(os.Environ(), "QUERY_AS_NOBODY="+r.Provider.Path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out := new(bytes.Buffer)
	cmd.Stdout = out
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	left := r.pid(t, "pid")
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		kill9(t, cmd.Process.Pid)
		t.Error("the query did not return")
	}
	require.True(t, alive(left))
	kill9(t, left)
	require.Regexp(t, `^time=.* level=WARN msg="query left behind: .*" verb="power status"
power status: time limit reached, killed
hd
$`, out.String())
}

// A journald that hangs does not keep an action beyond its time limit. The action does not start later.
func TestStderrThatCannotBeOpenedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(t, "[POWER]\nstatus=x\non=touch ran\n")
		hangs, open := make(chan struct{}), r.Stderr
		r.Stderr = func(v provider.Verb) (*os.File, error) {
			<-hangs
			return open(v)
		}
		log := new(bytes.Buffer)
		r.Log = slog.New(slog.NewTextHandler(log, nil))
		limit, began := newLimit(), time.Now()
		close(limit.done)
		require.ErrorIs(t, r.Act(limit, provider.On, provider.Args{}, actionFile(t)), provider.ErrTimeout)
		require.Equal(t, killGrace, time.Since(began))
		superseded, cancel := context.WithCancelCause(t.Context())
		cancel(provider.ErrSuperseded)
		require.ErrorIs(t, r.Act(superseded, provider.On, provider.Args{}, actionFile(t)), provider.ErrSuperseded)
		require.Regexp(t, `^(.*action not started.*\n){2}$`, log.String())

		close(hangs)
		synctest.Wait()
		require.NoFileExists(t, r.file("ran"))
	})
}
