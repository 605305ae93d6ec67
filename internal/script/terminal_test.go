package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
)

// readUntil reads what a console script prints until the text is there, or until the end
// if the text is empty.
func readUntil(t *testing.T, terminal *Terminal, text string) string {
	printed, whole := readFrom(terminal, text)
	require.True(t, whole || text == "", "%q instead of %q", printed, text)
	return printed
}

// readFrom reads what a console script prints, for 10 s at most, until the text is there. It
// returns false if the text does not come. There is no empty text.
func readFrom(terminal *Terminal, text string) (printed string, whole bool) {
	buffer := make([]byte, 1024)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		n, err := terminal.Read(buffer)
		printed += string(buffer[:n])
		switch {
		case text != "" && strings.Contains(printed, text):
			return printed, true
		case errors.Is(err, unix.EAGAIN):
			ready := []unix.PollFd{{Fd: int32(terminal.Fd()), Events: unix.POLLIN}}
			_, _ = unix.Poll(ready, 1000)
		case err != nil:
			return printed, false
		}
	}
	return printed, false
}

func connect(t *testing.T, script string) *Terminal {
	terminal, err := newRunner(t, "[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = "+script+"\n").Connect()
	require.NoError(t, err)
	return terminal
}

// Every byte passes in both directions as it is, and nothing is echoed twice.
func TestTerminalIsRaw(t *testing.T) {
	terminal := connect(t, "echo ready; exec cat")
	require.Equal(t, "ready\n", readUntil(t, terminal, "\n"))
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	n, err := terminal.Write(all)
	require.NoError(t, err)
	require.Equal(t, len(all), n)
	require.Equal(t, string(all), readUntil(t, terminal, "\xff"))
	require.Equal(t, "signal: hangup", terminal.End())
}

func TestTerminalOfScript(t *testing.T) {
	terminal := connect(t, `echo "$TERM $(stty size) $SHIPMI_NAME $SHIPMI_VERB"; : </dev/tty && echo controls; echo why >&2; exit 3`)
	require.Equal(t, "vt220 24 80 node-0 console-connect\ncontrols\n", readUntil(t, terminal, ""))
	require.Equal(t, "exit status 3", terminal.End())
}

func TestStandardErrorIsNotForClients(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = echo secret >&2\n")
	terminal, err := r.Connect()
	require.NoError(t, err)
	require.Empty(t, readUntil(t, terminal, ""))
	terminal.End()
	log, err := os.ReadFile(filepath.Join(filepath.Dir(r.Provider.Path), "log"))
	require.NoError(t, err)
	require.Equal(t, "secret\n", string(log))
}

// The next process ends a script that it has not started, too.
func TestAdoptedTerminal(t *testing.T) {
	first := connect(t, "echo ready; exec cat")
	kept, err := unix.Dup(first.Fd())
	require.NoError(t, err)
	second, err := AdoptTerminal(kept)
	require.NoError(t, err)
	readUntil(t, second, "ready\n")
	_, err = second.Write([]byte("more"))
	require.NoError(t, err)
	require.Equal(t, "more", readUntil(t, second, "more"))
	require.Equal(t, "ended", second.End())
	require.Equal(t, "signal: hangup", first.End())

	_, err = AdoptTerminal(0)
	require.ErrorContains(t, err, "is no pseudoterminal")
}

func TestScriptThatIgnoresHangup(t *testing.T) {
	t.Parallel()
	terminal := connect(t, `trap "" HUP; echo ready; sleep 1000 & wait; sleep 1000`)
	readUntil(t, terminal, "ready\n")
	began := time.Now()
	require.Equal(t, "signal: killed", terminal.End())
	require.GreaterOrEqual(t, time.Since(began), hangupGrace)
}

func TestBreak(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = cat\nbreak = echo \"$SHIPMI_VERB\" >>log\n")
	require.NoError(t, r.Break(context.Background()))
	log, err := os.ReadFile(filepath.Join(filepath.Dir(r.Provider.Path), "log"))
	require.NoError(t, err)
	require.Equal(t, "console-break\n", string(log))

	without := newRunner(t, "[POWER]\nstatus = echo on\n")
	require.ErrorIs(t, without.Break(context.Background()), provider.ErrNoScript)
	_, err = without.Connect()
	require.ErrorIs(t, err, provider.ErrNoScript)
}

// A script that was left ends after the last descriptor of its terminal was closed, even if it ignores SIGHUP. It runs on
// while another process holds the descriptor.
func TestScriptThatIsLeft(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprintf("kept %v", kept), func(t *testing.T) {
			t.Parallel()
			terminal := connect(t, `trap "" HUP; echo ready; while :; do sleep 1; done`)
			readUntil(t, terminal, "ready\n")
			require.NoError(t, terminal.Leave())
			next := -1
			if kept {
				var err error
				next, err = unix.Dup(terminal.Fd())
				require.NoError(t, err)
			}
			require.NoError(t, unix.Close(terminal.Fd()))
			select {
			case <-terminal.exited:
				require.False(t, kept)
				require.Equal(t, "signal: killed", terminal.cmd.ProcessState.String())
			case <-time.After(hangupGrace + 3*time.Second):
				require.True(t, kept)
				require.NoError(t, unix.Kill(-terminal.cmd.Process.Pid, unix.SIGKILL))
				require.NoError(t, unix.Close(next))
			}
		})
	}
}
