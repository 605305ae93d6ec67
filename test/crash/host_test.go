//go:build e2e

package crash

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/activation"
)

// scripts note each run in the file "ran". Some end when there is a file "go".
const scripts = `
[POWER]
status   = cat power
on       = echo "$SHIPMI_VERB" >>ran; echo "$SHIPMI_BOOTDEV from $(cat boot)" >>started; sleep 0.1; echo on >power
off      = echo "$SHIPMI_VERB" >>ran; echo off >power
reset    = echo "$SHIPMI_VERB" >>ran
shutdown = echo "$SHIPMI_VERB" >>ran; exec sleep 60
cycle    = echo "$SHIPMI_VERB" >>ran; until [ -e go ]; do sleep 0.05; done
diag     = echo "$SHIPMI_VERB" >>ran; until [ -e go ]; do sleep 0.05; done; exit 4
[BOOT]
set      = echo "$SHIPMI_VERB" >>ran; echo "$SHIPMI_BOOTDEV" >boot.new; mv boot.new boot
`

const credentials = `{"users":[{"name":"admin","password":"correct horse","privilege":"administrator"},
{"name":"oper","password":"battery staple","privilege":"operator"}]}`

// A host is a BMC, and the process that serves it while there is something to do.
type host struct {
	*activation.BMC
	t       *testing.T
	program string
	traced  int // which process is traced, from 1
	nth     int // it dies before this effective system call; 0: it does not
	calls   int // that it made
	deaths  atomic.Int32
	pid     atomic.Int32   // of the process that runs; 0: none
	ended   atomic.Bool    // the test has, and the process that runs is the last
	last    syscall.Signal // to that process
	log     logBuffer
	ahead   time.Duration // of the boot clock here, in the processes: see booted
	stderr  *os.File      // of the processes, instead of log; nil: there is none
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

func newHost(t *testing.T) *host { return newHostAt(t, "127.0.0.1") }

// newHostAt is newHost with an address of its own.
func newHostAt(t *testing.T, address string) *host {
	h := &host{t: t, program: program(t, "v1.0"), last: syscall.SIGTERM, BMC: activation.New(t, address, map[string]string{
		"provider.conf": scripts, "power": "on\n", "boot": "hd\n", "ran": "", "started": "", "credentials/users": credentials,
	})}
	h.Env = append(h.Env, "SHIPMI_CREDENTIALS="+h.Path("credentials/users"), "SHIPMI_IDLE_TIMEOUT=2s", "SHIPMI_ANSWER_TIMEOUT=1s")
	return h
}

// logged waits for what the process logs, which comes through a pipe.
func (h *host) logged(text string) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return strings.Contains(h.log.String(), text) }, 5*time.Second, time.Millisecond, text)
}

// runs is how often the script of a verb was run.
func (h *host) runs(verb string) int { return strings.Count(h.Read("ran"), verb+"\n") }

// serve starts processes until the test ends.
func (h *host) serve() {
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Log(h.log.String())
		}
	})
	h.Serve(h.run, func() {
		h.ended.Store(true)
		h.kill(h.last)
	})
}

// run runs a process to its end.
func (h *host) run() {
	cmd := h.Command(h.program)
	cmd.Stderr = &h.log
	if h.stderr != nil {
		cmd.Stderr = h.stderr
	}
	cmd.WaitDelay = time.Millisecond // it does not wait for scripts, which have its standard error
	said := func(*int) {}
	if int(h.deaths.Load())+1 == h.traced {
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
	if h.ended.Load() {
		h.kill(h.last)
	}
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

// writeProgram writes a file that can be executed at once. A child that another test starts meanwhile would keep the
// file open for writing for a moment, and the kernel executes no such file.
func writeProgram(t *testing.T, path, text string) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
}
