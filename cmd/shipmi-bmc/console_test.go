package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A descriptorStore stands in for systemd's: it keeps what a process sends to it until the
// process has that removed.
type descriptorStore struct {
	t      *testing.T
	socket *net.UnixConn
	kept   []*os.File
}

func newDescriptorStore(t *testing.T, env map[string]string) *descriptorStore {
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	socket, err := net.ListenUnixgram("unixgram", address)
	require.NoError(t, err)
	t.Cleanup(func() { socket.Close() })
	env["NOTIFY_SOCKET"] = address.Name
	return &descriptorStore{t: t, socket: socket}
}

// take takes the messages that are there, and returns what is kept then.
func (d *descriptorStore) take() []*os.File {
	message, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	for {
		require.NoError(d.t, d.socket.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		n, passed, _, _, err := d.socket.ReadMsgUnix(message, control)
		if err != nil {
			return d.kept
		}
		switch text := string(message[:n]); {
		case text == storeTerminal:
			all, err := unix.ParseSocketControlMessage(control[:passed])
			require.NoError(d.t, err)
			descriptors, err := unix.ParseUnixRights(&all[0])
			require.NoError(d.t, err)
			d.kept = append(d.kept, os.NewFile(uintptr(descriptors[0]), consoleName))
		case text == dropTerminal:
			for _, f := range d.kept {
				f.Close()
			}
			d.kept = nil
		}
	}
}

// A consoleBMC is a BMC whose process is started again when it is killed.
type consoleBMC struct {
	t       *testing.T
	env     map[string]string
	store   *descriptorStore
	address *net.UDPAddr
	socket  *os.File
	process *process
}

func newConsoleBMC(t *testing.T, connect string) *consoleBMC {
	env := unit(t)
	env["SHIPMI_CREDENTIALS"] = filepath.Join(env["CREDENTIALS_DIRECTORY"], "users")
	file, err := os.OpenFile(env["SHIPMI_PROVIDER"], os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = file.WriteString("[CONSOLE]\nconnect = " + connect + "\nbreak = echo break >>\"$SHIPMI_STATE_DIRECTORY/breaks\"\n")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	address, socket := udp(t, "127.0.0.1:0")
	b := &consoleBMC{t: t, env: env, store: newDescriptorStore(t, env), address: address, socket: socket}
	b.start()
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(env["STATE_DIRECTORY"], "log"))
			t.Log(string(log))
		}
		_ = b.process.cmd.Process.Kill()
		_ = b.process.cmd.Wait()
		for _, f := range b.store.take() {
			f.Close() // which hangs the console script up
		}
	})
	return b
}

func (b *consoleBMC) start() {
	passed := append([]*os.File{b.socket}, b.store.take()...)
	b.env["LISTEN_FDNAMES"] = strings.Join([]string{"node-0.socket", consoleName}[:len(passed)], ":")
	// The script shares standard error with the process, so a pipe would stay open.
	log, err := os.OpenFile(filepath.Join(b.env["STATE_DIRECTORY"], "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(b.t, err)
	defer log.Close()
	b.process = new(process)
	b.process.start(b.t, log, b.env, passed...)
}

// kill ends the process as the kernel does when there is no memory, and starts the next one.
func (b *consoleBMC) kill() {
	require.NoError(b.t, b.process.cmd.Process.Kill())
	_ = b.process.cmd.Wait()
	b.start()
}

// ipmitool starts a command of the real ipmitool.
func (b *consoleBMC) ipmitool(command ...string) *exec.Cmd {
	return exec.Command("ipmitool", append([]string{
		"-I", "lanplus", "-H", b.address.IP.String(), "-p", strconv.Itoa(b.address.Port), "-U", "admin", "-P", "sesame", "-C", "17",
	}, command...)...)
}

func (b *consoleBMC) runs(want string, command ...string) {
	b.t.Helper()
	out, err := b.ipmitool(command...).CombinedOutput()
	require.NoError(b.t, err, string(out))
	require.Regexp(b.t, want, string(out))
}

// A client is a program that has the console open, on a terminal of its own or on pipes.
type client struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *watched
}

// A watched buffer can be waited for.
type watched struct {
	grown chan struct{}
	mu    sync.Mutex
	b     []byte
}

func newWatched() *watched { return &watched{grown: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.b = append(w.b, b...)
	w.mu.Unlock()
	select {
	case w.grown <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.b)
}

// until waits until the text is there.
func (w *watched) until(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !strings.Contains(w.text(), text) {
		select {
		case <-w.grown:
		case <-deadline:
			require.Contains(t, w.text(), text)
		}
	}
}

// opens opens the console with ipmitool under a terminal, made by script(1).
func (b *consoleBMC) opens(command ...string) *client {
	args := b.ipmitool(command...).Args
	cmd := exec.Command("script", "--quiet", "--return", "--command", "stty raw -echo; exec "+strings.Join(args, " "), "/dev/null")
	return b.startClient(cmd)
}

func (b *consoleBMC) startClient(cmd *exec.Cmd) *client {
	c := &client{t: b.t, cmd: cmd, out: newWatched()}
	var err error
	c.stdin, err = cmd.StdinPipe()
	require.NoError(b.t, err)
	cmd.Stdout, cmd.Stderr = c.out, c.out
	require.NoError(b.t, cmd.Start())
	b.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return c
}

func (c *client) types(text string) {
	c.t.Helper()
	_, err := c.stdin.Write([]byte(text))
	require.NoError(c.t, err)
}

const operational = "[SOL Session operational.  Use ~? for help]"

// ipmitool opens the console on a terminal, types, sends a break and leaves.
func TestConsoleOfIpmitool(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "echo ready; exec cat")
	b.runs(`(?m)^Enabled +: true$`, "sol", "info")
	b.runs(`(?m)^Privilege Level +: OPERATOR$`, "sol", "info")
	b.runs(`User 2 on channel 1 is enabled`, "sol", "payload", "status", "1", "2")
	c := b.opens("sol", "activate")
	c.out.until(t, operational)
	c.out.until(t, "ready")
	c.types("hello\r")
	c.out.until(t, "hello\r")
	require.Equal(t, 1, strings.Count(c.out.text(), "hello"), "not echoed twice")

	out, err := b.ipmitool("sol", "activate").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "SOL payload already active on another session")

	c.types("~B")
	breaks := filepath.Join(b.env["STATE_DIRECTORY"], "breaks")
	require.Eventually(t, func() bool { _, err := os.Stat(breaks); return err == nil }, 10*time.Second, 10*time.Millisecond)
	c.types("~.")
	require.NoError(t, c.cmd.Wait())

	b.runs("^$", "sol", "set", "privilege-level", "admin")
	b.runs(`(?m)^Privilege Level +: ADMINISTRATOR$`, "sol", "info")
	b.runs("", "sol", "payload", "disable", "1", "2")
	out, err = b.ipmitool("sol", "activate").CombinedOutput()
	require.Error(t, err)
	require.NotContains(t, string(out), operational)
}

// A user pastes 20 KB.
func TestConsolePaste(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "echo ready; exec cat")
	c := b.opens("sol", "activate")
	c.out.until(t, "ready")
	var paste strings.Builder
	for n := range 20 << 10 / 10 {
		fmt.Fprintf(&paste, "line %04d\r", n)
	}
	c.types(paste.String() + "end\r")
	c.out.until(t, "end\r")
	require.Contains(t, c.out.text(), paste.String())
}

// Instance 2 watches: it sees everything and types nothing.
func TestConsoleWatcher(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "echo ready; exec cat")
	owner, watcher := b.opens("sol", "activate"), b.opens("sol", "activate", "instance=2")
	owner.out.until(t, "ready")
	watcher.out.until(t, operational)
	watcher.types("not this\r")
	owner.types("this\r")
	watcher.out.until(t, "this\r")
	require.NotContains(t, owner.out.text(), "not")
}

func TestConsoleLoop(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "exec cat")
	b.runs("200", "sol", "looptest", "200", "0")
}

// Ironic has one session close the console of another, which is told.
func TestConsoleTakenAway(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "echo ready; exec cat")
	c := b.opens("sol", "activate")
	c.out.until(t, "ready")
	b.runs("", "sol", "deactivate")
	c.out.until(t, "[console closed by admin from 127.0.0.1]")
	again := b.opens("sol", "activate")
	again.out.until(t, operational)
}

// The process is killed again and again while 10,000 numbered lines go in and come out. A kill
// between the acknowledgment of a packet and the write to the script loses that packet, of 255
// characters at most. No line comes twice.
func TestConsoleOverKills(t *testing.T) {
	t.Parallel()
	const lines = 10_000
	b := newConsoleBMC(t, "echo ready; exec cat")
	c := b.opens("sol", "activate")
	c.out.until(t, "ready")
	done := make(chan error, 1)
	var sent strings.Builder
	for n := range lines {
		fmt.Fprintf(&sent, "line %05d\r", n)
	}
	go func() {
		_, err := io.WriteString(c.stdin, sent.String()+"end\r")
		done <- err
	}()
	const kills = 10
	for n := range kills {
		c.out.until(t, fmt.Sprintf("line %05d\r", n*lines/kills))
		b.kill()
	}
	c.out.until(t, "end\r")
	require.NoError(t, <-done)
	got := c.out.text()
	lost, doubled := 0, 0
	for n := range lines {
		switch strings.Count(got, fmt.Sprintf("line %05d\r", n)) {
		case 0:
			lost++
		case 1:
		default:
			doubled++
		}
	}
	t.Logf("%d kills, %d lines lost, %d doubled", kills, lost, doubled)
	require.Zero(t, doubled)
	require.LessOrEqual(t, lost, kills*(255/len("line 00000\r")+2))
}

// At SIGTERM the process leaves the script to the next one; without a console script that
// is kept, the script is hung up.
func TestConsoleOverRestart(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "echo ready; exec cat")
	c := b.opens("sol", "activate")
	c.out.until(t, "ready")
	require.NoError(t, b.process.cmd.Process.Signal(syscall.SIGTERM))
	b.process.wait(exitOK)
	b.start()
	c.types("hello\r")
	c.out.until(t, "hello\r")
	require.NotContains(t, c.out.text(), "again in")
}
