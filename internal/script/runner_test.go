package script

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

// newRunner makes a provider of the text of a provider file, in a folder of its own. What its scripts print beside
// their answers goes to the file "log" there.
func newRunner(t *testing.T, text string) *Runner {
	dir := t.TempDir()
	file := filepath.Join(dir, "test.conf")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return loadRunner(t, file)
}

func loadRunner(t *testing.T, file string) *Runner {
	p, err := provider.Load(file)
	require.NoError(t, err)
	return &Runner{
		Provider: p,
		Name:     "node-0",
		StateDir: t.TempDir(),
		Environ:  os.Environ(),
		Stderr: func(provider.Verb) (*os.File, error) {
			return os.OpenFile(filepath.Join(filepath.Dir(file), "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		},
	}
}

// file is a path in the provider's folder, where scripts run.
func (r *Runner) file(name string) string { return filepath.Join(filepath.Dir(r.Provider.Path), name) }

func (r *Runner) read(t *testing.T, name string) string {
	text, err := os.ReadFile(r.file(name))
	require.NoError(t, err)
	return string(text)
}

func (r *Runner) write(t *testing.T, name, text string) {
	require.NoError(t, os.WriteFile(r.file(name), []byte(text), 0o644))
}

// eventually waits for what a script does in its own time.
func eventually(t *testing.T, what func() bool) {
	require.Eventually(t, what, 20*time.Second, 5*time.Millisecond)
}

// pid waits until a script has written a process id into a file and reads it.
func (r *Runner) pid(t *testing.T, name string) (pid int) {
	eventually(t, func() bool {
		text, _ := os.ReadFile(r.file(name))
		number, whole := strings.CutSuffix(string(text), "\n")
		pid, _ = strconv.Atoi(number)
		return whole && pid > 1
	})
	return pid
}

func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// A limit is a context whose time is up when the test says so.
type limit struct {
	context.Context
	done chan struct{}
}

func newLimit() limit                 { return limit{context.Background(), make(chan struct{})} }
func (l limit) Done() <-chan struct{} { return l.done }

func (l limit) Err() error {
	select {
	case <-l.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func kill9(t *testing.T, pid int) {
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}
