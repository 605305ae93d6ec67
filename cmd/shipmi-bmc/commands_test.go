package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/qemu"

	"github.com/shipmi/shipmi/internal/activation"
)

const commandScripts = `[POWER]
status = echo on
on     = true
[COMMAND]
0x32 0xa1 = administrator: echo "a1 $SHIPMI_DATA"
0x32 0xa2 = query operator: echo 32 a2 $SHIPMI_DATA
0x32 0xa2 9 = query operator: echo 99
0x32 0xa3 = operator: echo cc=85
0x32 0xa4 = query operator: exit 65
0x32 0xa5 = operator: echo nothex
0x32 0xa6 = operator: head -c 10000000 /dev/zero | tr '\0' a
0x32 0xa7 = query operator: head -c 10000000 /dev/zero | tr '\0' a
0x32 0xa8 = operator: head -c 255 /dev/zero | tr '\0' Z | od -An -v -tx1
0x32 0xa9 = operator: echo run >>"$SHIPMI_STATE_DIRECTORY/runs"; sleep 3; echo 01 02
[EVENTS]
added = echo "$SHIPMI_NAME $SHIPMI_EVENT $SHIPMI_EVENT_ID $SHIPMI_EVENT_RECORD" >>"$SHIPMI_STATE_DIRECTORY/hooked"
`

// A real client sends commands that only the provider knows, and the script for an event runs.
func TestCommandsAndEvents(t *testing.T) {
	t.Parallel()
	env := unit(t)
	path := filepath.Join(t.TempDir(), "commands.conf")
	env["SHIPMI_PROVIDER"] = path
	require.NoError(t, os.WriteFile(path, []byte(commandScripts), 0o600))
	address, socket := udp(t, "127.0.0.1:0")
	p := start(t, env, socket)
	read := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(env["STATE_DIRECTORY"], name))
		return string(text)
	}

	for request, want := range map[string]string{
		"raw 0x32 0xa1 0x01 0xff":     "^ a1 01 ff\n$",
		"raw 0x32 0xa1":               "^ a1\n$",
		"raw 0x32 0xa2 7":             "^ 32 a2 07\n$",
		"raw 0x32 0xa2 9":             "^ 99\n$",
		"raw 0x32 0xa8":               `^( 5a){16}\n( 5a|\n)*$`,
		"raw 0x32 0xa9":               "^ 01 02\n$",
		"-L operator raw 0x32 0xa2 1": "^ 32 a2 01\n$",
	} {
		out, err := ipmitool(address, "17", request)
		require.NoError(t, err, out)
		require.Regexp(t, want, out, request)
	}
	require.Equal(t, "run\n", read("runs"), "ipmitool has repeated its request, and the script ran once")
	for request, code := range map[string]string{
		"raw 0x32 0xb0":               "0xc1",
		"raw 0x2e 0x01 1 2 3":         "0xc1",
		"raw 0x32 0xa3":               "0x85",
		"raw 0x32 0xa4":               "0xd5",
		"raw 0x32 0xa5":               "0xff",
		"raw 0x32 0xa6":               "0xff",
		"raw 0x32 0xa7":               "0xff",
		"-L operator raw 0x32 0xa1 1": "0xd4",
	} {
		out, err := ipmitool(address, "17", request)
		require.Error(t, err, request)
		require.Contains(t, out, "rsp="+code, request)
	}

	out, err := ipmitool(address, "17", "power on")
	require.NoError(t, err, out)
	out, err = ipmitool(address, "17", "raw 0x0a 0x44 0 0 2 0 0 0 0 0x41 0 4 0x20 0x11 0x6f 3 0xff 0xff")
	require.NoError(t, err, out)
	require.Eventually(t, func() bool { return strings.Count(read("hooked"), "\n") == 2 }, time.Minute, 10*time.Millisecond)
	require.Regexp(t, `^node-0 power up 1 010002.{8}2000041d046f00ffff\nnode-0 record 2 020002.{8}41000420116f03ffff\n$`, read("hooked"))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	log := strings.Join(p.wait(activation.ExitOK), "\n")
	require.Regexp(t, `command 32 a5 failed err=".*printed .*nothex`, log)
	require.Contains(t, log, "command 32 a1 done took=")
	require.NotContains(t, log, "01ff")
}

// "shipmi event" adds an entry that clients see.
func TestEventFromTheCommandLine(t *testing.T) {
	t.Parallel()
	c := newCommandLine(t, "cat")
	out, err := c.shipmi("event", "node-0", "--sensor", "OS Shutdown", "--offset", "1").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out))
	out, err = c.shipmi("event", "node-0", "--sensor", "power unit", "--offset", "0", "--deassert").CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := ipmitool(c.address, "17", "sel elist")
	require.NoError(t, err, text)
	require.Regexp(t, `OS Critical Stop .* \| Run-time critical stop \| Asserted\n.*Power Unit .* \| Power off/down \| Deasserted`, text)
}

// The guest has the same commands, with its privilege. The longest response fits.
func TestCommandsOfTheGuest(t *testing.T) {
	t.Parallel()
	b := newGuestBMC(t, "operator")
	require.NoError(t, os.WriteFile(b.env["SHIPMI_PROVIDER"], []byte(commandScripts), 0o600))
	guest := qemu.Start(t, b.path)
	require.Equal(t, "00 32 a2 07", guest.Ask("32/a2 07"))
	require.Equal(t, "00"+strings.Repeat(" 5a", 255), guest.Ask("32/a8"))
	require.Equal(t, "85", guest.Ask("32/a3"))
	require.Equal(t, "ff", guest.Ask("32/a6"))
	require.Equal(t, "d4", guest.Ask("32/a1"))
	require.Equal(t, "c1", guest.Ask("32/b0"))
	require.Equal(t, "c1", guest.Ask("2c/3e 00 02"))
}

// A process that is killed while the script of a command runs leaves the response to the next one. The script runs once.
func TestCommandOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	b := newGuestBMC(t, "operator")
	require.NoError(t, os.WriteFile(b.env["SHIPMI_PROVIDER"], []byte(commandScripts), 0o600))
	runs := func() string {
		text, _ := os.ReadFile(filepath.Join(b.env["STATE_DIRECTORY"], "runs"))
		return string(text)
	}
	asked := make(chan string)
	go func() {
		out, err := ipmitool(b.lan, "17", "raw 0x32 0xa9")
		if err != nil {
			out = err.Error() + ": " + out
		}
		asked <- out
	}()
	require.Eventually(t, func() bool { return runs() != "" }, time.Minute, 5*time.Millisecond)
	require.NoError(t, b.process.cmd.Process.Kill())
	_ = b.process.cmd.Wait()
	b.start()
	require.Equal(t, " 01 02\n", <-asked)
	require.Equal(t, "run\n", runs())
}
