//go:build e2e

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/instance"
)

const (
	program  = "../../bin/shipmi-bmc"
	user     = "admin"
	password = "sesame"
	answer   = 2 * time.Second // the BMC answers Chassis Control by then
)

// A bmc is a socket, and the process that serves it while there is something to do. What systemd does for it a goroutine
// does here: it starts the process when a datagram waits.
type bmc struct {
	t       *testing.T
	dir     string
	socket  *net.UDPConn
	passed  *os.File // the socket, for the process
	log     *os.File
	process atomic.Pointer[os.Process]
	gone    sync.WaitGroup

	starts, kills int
}

func newBMC(t *testing.T) *bmc {
	b := &bmc{t: t, dir: t.TempDir()}
	require.NoError(t, os.CopyFS(b.dir, os.DirFS("testdata")))
	for file, text := range map[string]string{
		"state/power":       "off\n",
		"credentials/users": fmt.Sprintf(`{"users":[{"name":%q,"password":%q,"privilege":"administrator"}]}`, user, password),
		"runtime/.keep":     "",
		"runs":              "",
	} {
		path := filepath.Join(b.dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	var err error
	b.socket, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	b.passed, err = b.socket.File()
	require.NoError(t, err)
	b.log, err = os.OpenFile(filepath.Join(b.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	b.gone.Go(b.activate)
	t.Cleanup(func() {
		require.NoError(t, b.socket.SetReadDeadline(time.Now()))
		b.signal(syscall.SIGTERM)
		b.gone.Wait()
		require.NoError(t, errors.Join(b.socket.Close(), b.passed.Close(), b.log.Close()))
	})
	return b
}

func (b *bmc) address() *net.UDPAddr { return b.socket.LocalAddr().(*net.UDPAddr) }

// activate starts the process whenever a datagram waits in the socket and no process is there to take it.
func (b *bmc) activate() {
	arrived := func(fd uintptr) bool {
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err == nil
	}
	raw, err := b.socket.SyscallConn()
	for err == nil && raw.Read(arrived) == nil {
		b.starts++
		cmd := b.command()
		if err = cmd.Start(); err == nil {
			b.process.Store(cmd.Process)
			_ = cmd.Wait() // killed, for all we know
			b.process.Store(nil)
		}
	}
	if err != nil {
		b.t.Error(err)
	}
}

// command is what the unit of the BMC says.
func (b *bmc) command() *exec.Cmd {
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, program)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"LISTEN_FDS=1",
		"SHIPMI_NAME=node-0",
		"SHIPMI_IDLE_TIMEOUT=150ms",
		"SHIPMI_ANSWER_TIMEOUT=" + answer.String(),
		"SHIPMI_PROVIDER=" + filepath.Join(b.dir, "provider.conf"),
		"CREDENTIALS_DIRECTORY=" + filepath.Join(b.dir, "credentials"),
		"RUNTIME_DIRECTORY=" + filepath.Join(b.dir, "runtime"),
		"STATE_DIRECTORY=" + filepath.Join(b.dir, "state"),
	}
	cmd.ExtraFiles, cmd.Stderr = []*os.File{b.passed}, b.log
	return cmd
}

// signal sends the process a signal, if there is one.
func (b *bmc) signal(s syscall.Signal) bool {
	p := b.process.Load()
	return p != nil && p.Signal(s) == nil
}

// haunt kills the process again and again, until the function that it returns is called. Scripts live on.
func (b *bmc) haunt(random *rand.Rand) (stop func()) {
	end := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-time.After(time.Duration(random.Int64N(int64(time.Second)))):
			case <-end:
				return
			}
			if b.signal(syscall.SIGKILL) {
				b.kills++
			}
		}
	})
	return func() {
		close(end)
		killer.Wait()
	}
}

// rest returns when all that was sent to the BMC has been dealt with: a pong says that every datagram before the ping
// was, and then each action that began must have its answer in its file.
func (b *bmc) rest() {
	for began := time.Now(); !b.pong() || !b.settled(); {
		require.Less(b.t, time.Since(began), time.Minute, "the BMC does not come to rest")
		time.Sleep(10 * time.Millisecond)
	}
}

// pong tells whether the BMC answers a presence ping.
func (b *bmc) pong() bool {
	c, err := net.DialUDP("udp", nil, b.address())
	require.NoError(b.t, err)
	defer c.Close()
	_, err = c.Write([]byte{6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x80, 1, 0, 0})
	require.NoError(b.t, err)
	require.NoError(b.t, c.SetReadDeadline(time.Now().Add(time.Second)))
	_, err = c.Read(make([]byte, 64))
	return err == nil
}

func (b *bmc) settled() bool {
	files, err := filepath.Glob(filepath.Join(b.dir, "state", instance.ActionDir, "*"))
	require.NoError(b.t, err)
	return !slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && !strings.Contains(string(text), "\nanswer: ")
	})
}

func (b *bmc) read(file string) string {
	text, err := os.ReadFile(filepath.Join(b.dir, file))
	require.NoError(b.t, err)
	return string(text)
}

func (b *bmc) write(file, text string) {
	require.NoError(b.t, os.WriteFile(filepath.Join(b.dir, file), []byte(text), 0o600))
}
