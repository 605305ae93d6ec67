//go:build e2e

package crash

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// scripts note each run in the file "ran". Some end when there is a file "go".
const scripts = `
[POWER]
status   = cat state
on       = echo "$SHIPMI_VERB" >>ran; sleep 0.1; echo on >state
off      = echo "$SHIPMI_VERB" >>ran; echo off >state
reset    = echo "$SHIPMI_VERB" >>ran
shutdown = echo "$SHIPMI_VERB" >>ran; exec sleep 60
cycle    = echo "$SHIPMI_VERB" >>ran; until [ -e go ]; do sleep 0.05; done
diag     = echo "$SHIPMI_VERB" >>ran; until [ -e go ]; do sleep 0.05; done; exit 4
[BOOT]
set      = echo "$SHIPMI_VERB" >>ran
`

const credentials = `{"users":[{"name":"admin","password":"correct horse","privilege":"administrator"},
{"name":"oper","password":"battery staple","privilege":"operator"}]}`

// A host does for one BMC what systemd does: it holds the socket open and starts
// the process when there is something in it.
type host struct {
	t       *testing.T
	dir     string
	program string
	env     []string
	socket  *os.File
	address *net.UDPAddr
	traced  int // which process is traced, from 1
	nth     int // it dies before this effective system call; 0: it does not
	calls   int // that it made
	deaths  atomic.Int32
	pid     atomic.Int32 // of the process that runs; 0: none
	stopped chan struct{}
	wait    sync.WaitGroup
	log     logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newHost(t *testing.T) *host {
	h := &host{t: t, dir: t.TempDir(), program: program(t, "v1.0"), stopped: make(chan struct{})}
	for _, dir := range []string{"runtime", "kept", "credentials"} {
		require.NoError(t, os.Mkdir(h.path(dir), 0o700))
	}
	for file, text := range map[string]string{
		"test.conf": scripts, "state": "on\n", "ran": "", "credentials/users": credentials,
	} {
		require.NoError(t, os.WriteFile(h.path(file), []byte(text), 0o600))
	}
	h.env = append(os.Environ(), "LISTEN_FDS=1", "SHIPMI_NAME=node-0", "SHIPMI_PROVIDER="+h.path("test.conf"),
		"SHIPMI_CREDENTIALS="+h.path("credentials/users"), "CREDENTIALS_DIRECTORY="+h.path("credentials"),
		"RUNTIME_DIRECTORY="+h.path("runtime"), "STATE_DIRECTORY="+h.path("kept"), "SHIPMI_IDLE_TIMEOUT=2s",
		"SHIPMI_ANSWER_TIMEOUT=500ms")
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	h.address = c.LocalAddr().(*net.UDPAddr)
	h.socket, err = c.File()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	return h
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) read(name string) string {
	text, err := os.ReadFile(h.path(name))
	require.NoError(h.t, err)
	return string(text)
}

// runs is how often the script of a verb was run.
func (h *host) runs(verb string) int { return strings.Count(h.read("ran"), verb+"\n") }

// serve starts processes until the test ends.
func (h *host) serve() {
	h.wait.Go(func() {
		for started := 1; h.readable(); started++ {
			h.run(started)
		}
	})
	h.t.Cleanup(func() {
		close(h.stopped)
		h.kill(syscall.SIGTERM)
		h.wait.Wait()
		h.socket.Close()
		if h.t.Failed() {
			h.t.Log(h.log.String())
		}
	})
}

// readable waits for a datagram; it is false at the end of the test.
func (h *host) readable() bool {
	for {
		ready := []unix.PollFd{{Fd: int32(h.socket.Fd()), Events: unix.POLLIN}}
		n, _ := unix.Poll(ready, 10)
		select {
		case <-h.stopped:
			return false
		default:
			if n > 0 {
				return true
			}
		}
	}
}

// run runs a process to its end.
func (h *host) run(started int) {
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, h.program)
	cmd.Env, cmd.ExtraFiles, cmd.Stderr = h.env, []*os.File{h.socket}, &h.log
	cmd.WaitDelay = time.Millisecond // it does not wait for scripts, which have its standard error
	said := func(*int) {}
	if started == h.traced {
		progress, w, err := os.Pipe()
		must(err)
		defer progress.Close()
		defer w.Close()
		cmd.Path, cmd.Args = "/proc/self/exe", []string{"crash.test"}
		cmd.Env = append(cmd.Env, "CRASH_AT="+strconv.Itoa(h.nth), "CRASH_PROGRAM="+h.program)
		cmd.ExtraFiles = append(cmd.ExtraFiles, w)
		said = func(n *int) {
			_, err := fmt.Fscanln(progress, n)
			must(err)
		}
	}
	must(cmd.Start())
	pid := cmd.Process.Pid
	said(&pid)
	h.pid.Store(int32(pid))
	_ = cmd.Wait()
	said(&h.calls)
	h.pid.Store(0)
	h.deaths.Add(1)
}

// kill sends a signal to the process that runs.
func (h *host) kill(signal syscall.Signal) {
	if pid := h.pid.Load(); pid != 0 {
		_ = syscall.Kill(int(pid), signal)
	}
}

// kill9 is the end of the process that runs, if one does.
func (h *host) kill9() {
	h.kill(syscall.SIGKILL)
	h.idle()
}

// idle waits until no process runs.
func (h *host) idle() {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.pid.Load() == 0 }, 20*time.Second, time.Millisecond)
}
