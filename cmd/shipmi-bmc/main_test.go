package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/media"
	systemd "github.com/shipmi/shipmi/test/activation"
)

// asProgram is a variable that turns the test binary into the program.
const asProgram = "TEST_SHIPMI_BMC"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	status := m.Run()
	os.Remove(shipmiProgram)
	os.Exit(status)
}

// providerFile switches a machine that consists of a file in its state directory.
const providerFile = `[POWER]
status=cat "$SHIPMI_STATE_DIRECTORY/power"
on=echo on >"$SHIPMI_STATE_DIRECTORY/power"
off=echo off >"$SHIPMI_STATE_DIRECTORY/power"; echo "it went off" >&2
[BOOT]
get=cat "$SHIPMI_STATE_DIRECTORY/boot"
set=echo "$SHIPMI_BOOTDEV" >"$SHIPMI_STATE_DIRECTORY/boot"
`

// unit creates the files of a BMC and returns the environment that systemd gives to its process.
func unit(t *testing.T) map[string]string {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"test.conf":         providerFile,
		"state/power":       "off\n",
		"credentials/users": `{"users":[{"name":"admin","password":"sesame","privilege":"administrator"}]}`,
		"runtime/.keep":     "",
	} {
		path := filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return map[string]string{
		"SHIPMI_NAME":           "node-0",
		"SHIPMI_PROVIDER":       filepath.Join(dir, "test.conf"),
		"CREDENTIALS_DIRECTORY": filepath.Join(dir, "credentials"),
		"RUNTIME_DIRECTORY":     filepath.Join(dir, "runtime"),
		"STATE_DIRECTORY":       filepath.Join(dir, "state"),
	}
}

// A process is the program, run as systemd runs it.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log bytes.Buffer
}

// start runs the program with an environment and with sockets, which become its descriptors from 3 on.
func start(t *testing.T, env map[string]string, sockets ...*os.File) *process {
	p := new(process)
	p.start(t, &p.log, env, sockets...)
	return p
}

func (p *process) start(t *testing.T, stderr io.Writer, env map[string]string, sockets ...*os.File) {
	self, err := os.Executable()
	require.NoError(t, err)
	environ := []string{"PATH=" + os.Getenv("PATH"), asProgram + "=1"}
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	p.t, p.cmd = t, systemd.Command(self, environ, sockets...)
	p.cmd.Stderr = stderr
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
}

// wait waits until the process has exited with the status, and returns the lines that it has logged.
func (p *process) wait(status int) []string {
	_ = p.cmd.Wait()
	require.Equal(p.t, status, p.cmd.ProcessState.ExitCode(), p.log.String())
	return strings.Split(strings.TrimSuffix(p.log.String(), "\n"), "\n")
}

// udp binds a socket as systemd does, and returns its address and the socket.
func udp(t *testing.T, address string) (*net.UDPAddr, *os.File) {
	c, err := net.ListenPacket("udp", address)
	require.NoError(t, err)
	defer c.Close()
	f, err := c.(*net.UDPConn).File()
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return c.LocalAddr().(*net.UDPAddr), f
}

func TestUsage(t *testing.T) {
	changed := instance.Instance{CipherSuites: []byte{17}, Inband: instance.PrivilegeUser, Media: media.Rule{URLs: []string{"http://h/"}, Local: true}}
	for _, entry := range changed.Environ() {
		variable, _, _ := strings.Cut(entry, "=")
		require.Contains(t, usage, variable)
	}
	for argument, want := range map[string]struct {
		status int
		stderr string
	}{
		"--help":    {activation.ExitOK, ""},
		"--version": {activation.ExitOK, ""},
		"--port":    {activation.ExitUsage, "shipmi-bmc: error: unknown flag: --port\n"},
		"node-0":    {activation.ExitUsage, "shipmi-bmc: error: unexpected argument \"node-0\"\n"},
	} {
		var stderr bytes.Buffer
		cmd := exec.Command(os.Args[0], argument)
		cmd.Env, cmd.Stderr = []string{asProgram + "=1"}, &stderr
		out, _ := cmd.Output()
		require.Equal(t, want.status, cmd.ProcessState.ExitCode())
		require.Equal(t, want.stderr, stderr.String())
		require.Equal(t, want.status == activation.ExitOK, len(out) > 0)
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	env := unit(t)
	env["SHIPMI_IDLE_TIMEOUT"] = "100ms"
	_, socket := udp(t, "127.0.0.1:0")
	require.Equal(t, []string{"<6>idle, exiting"}, start(t, env, socket).wait(activation.ExitOK))
}

// A process sends READY=1 when it serves. A second process for the same BMC does not serve and sends nothing.
func TestTerminate(t *testing.T) {
	t.Parallel()
	env := unit(t)
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	require.NoError(t, err)
	defer systemd.Close()
	env["NOTIFY_SOCKET"] = systemd.LocalAddr().String()
	told := func() string {
		b := make([]byte, 256)
		require.NoError(t, systemd.SetReadDeadline(time.Now().Add(time.Minute)))
		n, err := systemd.Read(b)
		require.NoError(t, err)
		return string(b[:n])
	}
	_, socket := udp(t, "127.0.0.1:0")
	p := start(t, env, socket)
	require.Equal(t, "READY=1", told())
	_, another := udp(t, "127.0.0.1:0")
	second := start(t, env, another).wait(activation.ExitFailure)
	require.Len(t, second, 1)
	require.Contains(t, second[0], "another process uses it")

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, []string{"<6>stopped"}, p.wait(activation.ExitOK))
	require.Equal(t, "STOPPING=1", told())
}

// A process with a bad setting empties all its sockets before it exits. Otherwise systemd would start it again for the
// datagrams that are left.
func TestBadSetting(t *testing.T) {
	t.Parallel()
	env := unit(t)
	env["SHIPMI_IDLE_TIMEOUT"] = "soon"
	first, one := udp(t, "127.0.0.1:0")
	second, two := udp(t, "[::1]:0")
	knock(t, first)
	knock(t, second)
	begun := time.Now()
	require.Equal(t, []string{
		`<3>bad setting: SHIPMI_IDLE_TIMEOUT: "soon": want a duration like 90s or 5m, from 100ms to 24h`,
	}, start(t, env, one, two).wait(activation.ExitConfig))
	require.GreaterOrEqual(t, time.Since(begun), discardTime)

	requireEmpty(t, one)
	requireEmpty(t, two)
}

func knock(t *testing.T, address *net.UDPAddr) {
	c, err := net.DialUDP("udp", nil, address)
	require.NoError(t, err)
	for range 3 {
		_, err = c.Write([]byte("knock"))
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
}

func requireEmpty(t *testing.T, socket *os.File) {
	c, err := net.FilePacketConn(socket)
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, _, err = c.ReadFrom(make([]byte, 9))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.Close())
}

// Without a socket there is nothing to empty. The process kept a processor busy for a second.
func TestNoSocket(t *testing.T) {
	t.Parallel()
	const want = "<3>bad setting: no socket was passed: start shipmi-bmc@NAME.socket, not the program"
	for _, sockets := range []string{"0", "", "-1", "none"} {
		env := unit(t)
		env["LISTEN_FDS"] = sockets
		begun := time.Now()
		p := start(t, env)
		require.Equal(t, []string{want}, p.wait(activation.ExitConfig), "LISTEN_FDS=%s", sockets)
		require.Less(t, time.Since(begun), discardTime, "LISTEN_FDS=%s", sockets)
		state := p.cmd.ProcessState
		require.Less(t, state.UserTime()+state.SystemTime(), discardTime/2, "LISTEN_FDS=%s", sockets)
	}
}

// A socket that cannot be served is refused, and the others are emptied.
func TestSockets(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { tcp.Close() })
	stream, err := tcp.(*net.TCPListener).File()
	require.NoError(t, err)
	t.Cleanup(func() { stream.Close() })
	local, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { local.Close() })
	datagram, err := local.File()
	require.NoError(t, err)
	t.Cleanup(func() { datagram.Close() })

	address, good := udp(t, "127.0.0.1:0")
	knock(t, address)
	t.Cleanup(func() { requireEmpty(t, good) }) // when the subtests have ended
	for want, sockets := range map[string][]*os.File{
		"no socket was passed: start shipmi-bmc@NAME.socket, not the program":                                       nil,
		"socket bmc.socket: want ListenDatagram= or ListenStream= with an address and a port: it is not one of UDP": {datagram, good},
		"certificate: open ": {stream, good},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			env := unit(t)
			env["LISTEN_FDNAMES"] = "bmc.socket"
			log := start(t, env, sockets...).wait(activation.ExitConfig)
			require.Len(t, log, 1)
			require.True(t, strings.HasPrefix(log[0], "<3>bad setting: "+want), log[0])
		})
	}
}
