package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/serial"
)

// A descriptorStore replaces systemd's: it keeps what a process sends to it until the
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
		text := string(message[:n])
		_, rest, _ := strings.Cut(text, "FDNAME=")
		name, _, _ := strings.Cut(rest, "\n")
		switch {
		case strings.HasPrefix(text, "FDSTORE=1\n"):
			require.Contains(d.t, text, "\nFDPOLL=0")
			all, err := unix.ParseSocketControlMessage(control[:passed])
			require.NoError(d.t, err)
			descriptors, err := unix.ParseUnixRights(&all[0])
			require.NoError(d.t, err)
			d.kept = append(d.kept, os.NewFile(uintptr(descriptors[0]), name))
		case strings.HasPrefix(text, "FDSTOREREMOVE=1\n"):
			d.kept = slices.DeleteFunc(d.kept, func(f *os.File) bool {
				if f.Name() != name {
					return false
				}
				f.Close()
				return true
			})
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

// newConsoleBMC starts a BMC with a console script and, as NAME=VALUE, further settings.
func newConsoleBMC(t *testing.T, connect string, settings ...string) *consoleBMC {
	env := unit(t)
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		env[name] = value
	}
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
	passed, names := []*os.File{b.socket}, []string{"node-0.socket"}
	for _, f := range b.store.take() {
		passed, names = append(passed, f), append(names, f.Name())
	}
	b.env["LISTEN_FDNAMES"] = strings.Join(names, ":")
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
	b.process.wait(activation.ExitOK)
	b.start()
	c.types("hello\r")
	c.out.until(t, "hello\r")
	require.NotContains(t, c.out.text(), "again in")
}

// A console that is always logged has what was printed before the first packet came, over a
// kill, and does not end when the process is idle.
func TestConsoleAlwaysLogged(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, `echo boot; until [ -e "$SHIPMI_STATE_DIRECTORY/go" ]; do sleep 0.1; done; echo more; exec cat`,
		"SHIPMI_CONSOLE_LOG=always", "SHIPMI_IDLE_TIMEOUT=100ms")
	logged := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			file, err := os.Open(filepath.Join(b.env["RUNTIME_DIRECTORY"], "console"))
			if err != nil {
				return false
			}
			defer file.Close()
			line, err := serial.Inspect(file, activation.Uptime())
			if err != nil {
				return false
			}
			log := line.Log()
			return string(slices.Concat(log[0], log[1])) == want
		}, 10*time.Second, 10*time.Millisecond)
	}
	logged("boot\n")
	b.kill()
	require.NoError(t, os.WriteFile(filepath.Join(b.env["STATE_DIRECTORY"], "go"), nil, 0o600))
	logged("boot\nmore\n")
	c := b.opens("sol", "activate")
	c.out.until(t, "boot\nmore\n")
	c.out.until(t, "[console: output from here on is live]")
	c.types("hello\r")
	c.out.until(t, "hello\r")
	require.NotContains(t, c.out.text(), "again in")
	c.types("~.")
	require.NoError(t, c.cmd.Wait())
	require.Never(t, func() bool { return b.process.cmd.Process.Signal(syscall.Signal(0)) != nil }, 500*time.Millisecond, 50*time.Millisecond)
}

// Programs that read the console are not confused by what was printed before.
func TestConsoleWithoutReplay(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, "echo ready; exec cat", "SHIPMI_CONSOLE_REPLAY=no")
	b.runs("", "sol", "set", "retry-count", "3")
	first := b.opens("sol", "activate")
	first.out.until(t, "ready")
	first.types("~.")
	require.NoError(t, first.cmd.Wait())
	second := b.opens("sol", "activate")
	second.out.until(t, operational)
	second.types("hello\r")
	second.out.until(t, "hello\r")
	require.NotContains(t, second.out.text(), "ready")
}

// After a change of the provider or its parameters, the script that runs leads to another machine.
func TestConsoleOfFormerSettings(t *testing.T) {
	t.Parallel()
	b := newConsoleBMC(t, `echo "ready one"; exec cat`)
	c := b.opens("sol", "activate")
	c.out.until(t, "ready one")
	text, err := os.ReadFile(b.env["SHIPMI_PROVIDER"])
	require.NoError(t, err)
	b.env["SHIPMI_PROVIDER"] = filepath.Join(t.TempDir(), "two.conf")
	require.NoError(t, os.WriteFile(b.env["SHIPMI_PROVIDER"], bytes.Replace(text, []byte("one"), []byte("two"), 1), 0o600))
	b.kill()
	c.out.until(t, "ready two")
	require.Eventually(t, func() bool { return len(b.store.take()) == 1 }, 10*time.Second, 10*time.Millisecond)
	c.types("hello\r")
	c.out.until(t, "hello\r")
	require.Equal(t, 1, strings.Count(c.out.text(), "hello"))
}

// A client behind a port map is told the port that it knows.
func TestConsoleBehindAPortMap(t *testing.T) {
	t.Parallel()
	proxy, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer proxy.Close()
	public := proxy.LocalAddr().(*net.UDPAddr)
	b := newConsoleBMC(t, "echo ready; exec cat", fmt.Sprintf("SHIPMI_ADVERTISE=192.0.2.1:%d", public.Port))
	b.runs(fmt.Sprintf(`(?m)^Payload Port +: %d$`, public.Port), "sol", "info")
	b.runs(`(?m)^IP Address +: 192\.0\.2\.1$`, "lan", "print")
	out, err := b.ipmitool("sol", "activate").CombinedOutput()
	require.Error(t, err)
	require.NotContains(t, string(out), operational, "the port is not the one that ipmitool sends to")

	go translate(proxy, b.address, perfect, perfect)
	b.address = public
	c := b.opens("sol", "activate")
	c.out.until(t, "ready")
	c.types("~.")
	require.NoError(t, c.cmd.Wait())
}

// A network delivers a datagram, which it may lose, repeat or hold back.
type network func(b []byte, deliver func([]byte))

func perfect(b []byte, deliver func([]byte)) { deliver(b) }

// bad returns a network that loses every seventh datagram, repeats others, and holds others
// back until the next one has passed.
func bad() network {
	var (
		n    int
		held []byte
	)
	return func(b []byte, deliver func([]byte)) {
		n++
		switch {
		case n%7 == 0:
		case n%5 == 0:
			deliver(b)
			deliver(b)
		case n%3 == 0 && held == nil:
			held = bytes.Clone(b)
			return
		default:
			deliver(b)
		}
		if held != nil {
			deliver(held)
			held = nil
		}
	}
}

// translate carries the datagrams of one client at a time to a BMC and back.
func translate(proxy *net.UDPConn, to *net.UDPAddr, there, back network) {
	bmc, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return
	}
	defer bmc.Close()
	var client atomic.Pointer[net.UDPAddr]
	go func() {
		b := make([]byte, 1024)
		for {
			n, err := bmc.Read(b)
			if err != nil {
				return
			}
			back(b[:n], func(b []byte) { _, _ = proxy.WriteToUDP(b, client.Load()) })
		}
	}()
	b := make([]byte, 1024)
	for {
		n, from, err := proxy.ReadFromUDP(b)
		if err != nil {
			return
		}
		client.Store(from)
		there(b[:n], func(b []byte) { _, _ = bmc.Write(b) })
	}
}
