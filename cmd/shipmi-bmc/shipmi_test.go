package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
)

// shipmiProgram is where the tests build the command line. TestMain removes it.
var shipmiProgram = filepath.Join(os.TempDir(), fmt.Sprintf("shipmi-test-%d", os.Getpid()))

var buildShipmi = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", shipmiProgram, "../shipmi").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return err
})

// A commandLine is "shipmi --user" with the files of a BMC that runs here.
type commandLine struct {
	*consoleBMC
	environ []string
}

func newCommandLine(t *testing.T, connect string) commandLine {
	require.NoError(t, buildShipmi()) // before the BMC can become idle
	b := newConsoleBMC(t, connect)
	home := t.TempDir()
	credentials, err := os.ReadFile(b.env["SHIPMI_CREDENTIALS"])
	require.NoError(t, err)
	for path, text := range map[string]string{
		"config/systemd/user/shipmi-bmc@node-0.service.d/50-shipmi.conf": "[Service]\nEnvironment=SHIPMI_PROVIDER=" + b.env["SHIPMI_PROVIDER"] + "\n",
		"config/shipmi/credentials/node-0":                               string(credentials),
		"run/shipmi-bmc/.keep":                                           "",
	} {
		path = filepath.Join(home, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink(b.env["RUNTIME_DIRECTORY"], filepath.Join(home, "run/shipmi-bmc/node-0")))
	c := commandLine{b, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TERM=dumb",
		"XDG_CONFIG_HOME=" + home + "/config", "XDG_RUNTIME_DIR=" + home + "/run",
	}}
	c.listens(b.address)
	return c
}

func (c commandLine) config(path string) string {
	return filepath.Join(strings.TrimPrefix(c.environ[1], "HOME="), "config", path)
}

// listens has the command line believe that the BMC listens at an address.
func (c commandLine) listens(address *net.UDPAddr) {
	path := c.config("systemd/user/shipmi-bmc@node-0.socket.d/50-shipmi.conf")
	require.NoError(c.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(c.t, os.WriteFile(path, []byte("[Socket]\nListenDatagram="+address.String()+"\n"), 0o600))
}

// shipmi is a command of the command line.
func (c commandLine) shipmi(command ...string) *exec.Cmd {
	cmd := exec.Command(shipmiProgram, append([]string{"--user"}, command...)...)
	cmd.Env = c.environ
	return cmd
}

// onTerminal starts a command under a terminal, made by script(1). The terminal's settings
// are printed when the command has ended.
func (c commandLine) onTerminal(command ...string) *client {
	line := strings.Join(c.shipmi(command...).Args, " ")
	cmd := exec.Command("script", "--quiet", "--return", "--command", "stty echo icanon isig; "+line+`; status=$?; stty -a; exit $status`, "/dev/null")
	cmd.Env = c.environ
	return c.startClient(cmd)
}

func (c commandLine) refused(want string, command ...string) {
	c.t.Helper()
	out, err := c.shipmi(command...).CombinedOutput()
	require.Equal(c.t, 1, err.(*exec.ExitError).ExitCode(), string(out))
	require.Regexp(c.t, want, string(out))
}

const greeting = "[console of node-0: ~. leaves, ~? lists what else there is]"

// restored checks that the terminal was restored, and how the command has ended.
func (c *client) restored(status int) {
	c.t.Helper()
	err := c.cmd.Wait()
	if status == 0 {
		require.NoError(c.t, err)
	} else {
		require.Equal(c.t, status, err.(*exec.ExitError).ExitCode())
	}
	for _, setting := range []string{"echo", "icanon", "isig", "icrnl", "opost"} {
		require.Regexp(c.t, `[ \n]`+setting+`\b`, c.out.text())
	}
}

// A user types on a terminal, sends a break, and leaves. A second user is told who has the
// console, watches, and takes it over.
func TestShipmiConsole(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "echo ready; exec cat")
	first := c.onTerminal("console", "node-0")
	first.out.until(t, greeting)
	first.out.until(t, "ready")
	first.types("hello\x03\r")
	first.out.until(t, "hello\x03\r")
	require.Equal(t, 1, strings.Count(first.out.text(), "hello"))
	first.types("~?")
	first.out.until(t, "~~  type a tilde\r\n")
	first.types("~B~~x\r")
	first.out.until(t, "~x\r")
	breaks := filepath.Join(c.env["STATE_DIRECTORY"], "breaks")
	require.Eventually(t, func() bool { _, err := os.Stat(breaks); return err == nil }, 10*time.Second, 10*time.Millisecond)

	c.refused(`(?m)^shipmi: error: node-0: another client has the console open: admin from 127\.0\.0\.1:\d+ since \d{4}-\d\d-\d\d .*\n`+
		`shipmi: hint: --steal takes the console from that client, and --read-only watches$`, "console", "node-0")
	watcher := c.onTerminal("console", "node-0", "--read-only")
	watcher.out.until(t, "hello")
	watcher.types("not this\r")
	first.types("this\r")
	watcher.out.until(t, "this\r")
	require.NotContains(t, first.out.text(), "not")

	second := c.onTerminal("console", "node-0", "--steal")
	second.out.until(t, greeting)
	first.out.until(t, "[console closed by admin from 127.0.0.1]")
	first.restored(1)
	require.Contains(t, first.out.text(), "shipmi: error: node-0: another client has closed the console")
	second.types("\r~.")
	second.restored(0)
	require.Contains(t, second.out.text(), "[console of node-0 left]")
	watcher.types("~.")
	watcher.restored(0)

	out, err := c.shipmi("console", "node-0", "--log").CombinedOutput()
	require.NoError(t, err)
	require.Regexp(t, "(?s)^ready.*hello\x03\r.*~x\r.*this\r", string(out))
}

// The terminal is restored whatever ends the command.
func TestShipmiConsoleIsEndedBySignals(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "echo ready; exec cat")
	for signal, status := range map[string]int{"TERM": 128 + int(unix.SIGINT), "HUP": 1} {
		u := c.onTerminal("console", "node-0")
		u.out.until(t, "ready")
		require.NoError(t, exec.Command("pkill", "-"+signal, "--full", "--parent", fmt.Sprint(shellOf(t, u)), "console").Run())
		u.restored(status)
		require.NotContains(t, u.out.text(), "context")
	}
}

// A user can leave while the BMC does not answer, and so can a program that reads the output.
func TestShipmiConsoleIsLeft(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "echo ready; exec cat")
	u := c.onTerminal("console", "node-0")
	u.out.until(t, "ready")
	require.NoError(t, c.process.cmd.Process.Signal(syscall.SIGSTOP))
	for range 3 {
		u.types("not read\r")
		time.Sleep(20 * time.Millisecond) // or the terminal would be read once
	}
	left := time.Now()
	u.types("~.")
	u.restored(0)
	require.Less(t, time.Since(left), 10*time.Second)
	require.NoError(t, c.process.cmd.Process.Signal(syscall.SIGCONT))

	reader := c.shipmi("console", "node-0", "--read-only")
	first := exec.Command("head", "--lines=1")
	var err error
	first.Stdin, err = reader.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, reader.Start())
	out, err := first.Output()
	require.NoError(t, err)
	require.Equal(t, "ready\n", string(out))
	require.NoError(t, first.Stdin.(io.Closer).Close())
	typist := c.shipmi("console", "node-0")
	typist.Stdin = strings.NewReader("to nobody\r")
	require.NoError(t, typist.Run())
	require.NoError(t, reader.Wait())
}

// shellOf returns the process that script(1) has started.
func shellOf(t *testing.T, c *client) int {
	out, err := exec.Command("pgrep", "--parent", fmt.Sprint(c.cmd.Process.Pid)).Output()
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(string(out), &pid)
	require.NoError(t, err)
	return pid
}

// On a pipe everything is typed, and the command leaves after the end of its input. The console
// goes on over kills and a restart.
func TestShipmiConsoleOnAPipe(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "echo ready; exec cat")
	u := c.startClient(c.shipmi("console", "node-0"))
	u.out.until(t, "ready")
	const lines = 3000
	for n := range lines {
		u.types(fmt.Sprintf("line %04d\r", n))
		switch n {
		case 500, 1500:
			u.out.until(t, fmt.Sprintf("line %04d\r", n-100))
			c.kill()
		case 1000, 2000:
			u.out.until(t, fmt.Sprintf("line %04d\r", n-100))
			require.NoError(t, c.process.cmd.Process.Signal(syscall.SIGTERM))
			c.process.wait(activation.ExitOK)
			c.start()
		}
	}
	u.types("~.\rend\r")
	require.NoError(t, u.stdin.Close())
	require.NoError(t, u.cmd.Wait())
	require.Contains(t, u.out.text(), "~.\rend\r")
	lost := 0
	for n := range lines {
		count := strings.Count(u.out.text(), fmt.Sprintf("line %04d\r", n))
		require.LessOrEqual(t, count, 1)
		lost += 1 - count
	}
	t.Logf("%d lines lost in 2 kills", lost)
	require.LessOrEqual(t, lost, 2*(255/len("line 0000\r")+2))
}

// On a bad network, every line arrives once, and in order.
func TestShipmiConsoleOnABadNetwork(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "echo ready; exec cat")
	proxy, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer proxy.Close()
	go translate(proxy, c.address, bad(), bad())
	c.listens(proxy.LocalAddr().(*net.UDPAddr))
	var lines strings.Builder
	for n := range 200 {
		fmt.Fprintf(&lines, "line %04d\r", n)
	}
	u := c.startClient(c.shipmi("console", "node-0"))
	u.types(lines.String())
	u.out.until(t, "line 0199\r")
	require.NoError(t, u.stdin.Close())
	require.NoError(t, u.cmd.Wait())
	require.Equal(t, "ready\n"+lines.String(), u.out.text())
}

func TestShipmiConsoleIsRefused(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "exec cat")
	c.refused(`node-0: no output is kept\n`, "console", "node-0", "--log")
	c.refused(`node-0: the user "ada" may not open the console\nshipmi: hint: a user needs a password`, "console", "node-0", "--username", "ada")
	c.runs("", "sol", "set", "privilege-level", "admin")
	c.runs("", "user", "set", "name", "3", "ada")
	c.runs("", "user", "set", "password", "3", "secret")
	c.runs("", "channel", "setaccess", "1", "3", "ipmi=on", "privilege=3")
	c.runs("", "user", "enable", "3")
	credentials := c.config("shipmi/credentials/node-0")
	text, err := os.ReadFile(c.env["SHIPMI_CREDENTIALS"])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(credentials, text, 0o600))
	c.refused(`node-0: the level of the user "ada" is too low for the console\nshipmi: hint: "ipmitool sol info"`, "console", "node-0", "--username", "ada")
	c.runs("", "sol", "set", "enabled", "false")
	c.refused(`node-0: the console is disabled\nshipmi: hint: "ipmitool sol set enabled true"`, "console", "node-0")

	require.NoError(t, os.WriteFile(credentials, []byte(strings.ReplaceAll(string(text), "sesame", "other")), 0o600))
	c.refused(`node-0: the BMC refuses the session: wrong user or password\nshipmi: hint: see "shipmi logs node-0"`, "console", "node-0")
	var users struct {
		Users []map[string]any `json:"users"`
	}
	require.NoError(t, json.Unmarshal(text, &users))
	for _, u := range users.Users {
		u["console"] = false
	}
	denied, err := json.Marshal(users)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(credentials, denied, 0o600))
	c.refused(`node-0: no user may open the console`, "console", "node-0")

	require.NoError(t, os.WriteFile(credentials, text, 0o600))
	require.NoError(t, os.WriteFile(c.env["SHIPMI_PROVIDER"], []byte(providerFile), 0o600))
	c.refused(`node-0: the provider "test" has no console script\nshipmi: hint: add connect`, "console", "node-0")
}

// The command says that a BMC is not started at once.
func TestShipmiConsoleOfAStoppedBMC(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "echo ready; exec cat")
	u := c.startClient(c.shipmi("console", "node-0"))
	u.out.until(t, "ready")
	require.NoError(t, c.process.cmd.Process.Kill())
	_ = c.process.cmd.Wait()
	require.NoError(t, c.socket.Close())
	u.types("hello\r")
	u.out.until(t, "shipmi: error: node-0: it is not started\n")
	require.Error(t, u.cmd.Wait())
	c.refused(`node-0: it is not started\nshipmi: hint: "shipmi start node-0" starts it`, "console", "node-0")
}
