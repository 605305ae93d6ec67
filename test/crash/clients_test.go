//go:build e2e

package crash

import (
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shell starts "ipmitool shell" in a session of its own.
func (h *host) shell() (shell *exec.Cmd, stdin io.Writer, said *logBuffer) {
	said = &logBuffer{}
	shell = exec.Command("stdbuf", "-o0", "ipmitool", "-I", "lanplus", "-H", h.Address.IP.String(), "-p", strconv.Itoa(h.Address.Port),
		"-U", "admin", "-P", "correct horse", "shell")
	stdin, err := shell.StdinPipe()
	require.NoError(h.t, err)
	shell.Stdout, shell.Stderr = said, said
	require.NoError(h.t, shell.Start())
	h.t.Cleanup(func() { _ = shell.Process.Kill() })
	return shell, stdin, said
}

// The session of a real console goes on while the process is killed between its
// commands, and in the middle of one.
func TestIpmitoolShell(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.serve()
	shell, stdin, said := h.shell()
	for i, step := range []struct{ command, want string }{
		{"power status", "Chassis Power is on\n"},
		{"power reset", "Chassis Power Control: Reset\n"},
		{"power off", "Chassis Power Control: Down/Off\n"},
		{"power status", "Chassis Power is off\n"},
		{"power on", "Chassis Power Control: Up/On\n"},
		{"chassis bootdev pxe options=persistent", "Set Boot Device to pxe\n"},
	} {
		_, err := stdin.Write([]byte(step.command + "\n"))
		require.NoError(t, err)
		if i%2 == 1 {
			require.Eventually(t, func() bool { return h.pid.Load() != 0 }, 10*time.Second, time.Millisecond)
			h.kill9()
		}
		answered := func() bool { return strings.HasSuffix(strings.TrimSuffix(said.String(), "ipmitool> "), step.want) }
		require.Eventually(t, answered, 30*time.Second, 10*time.Millisecond, "%s: %s", step.command, said)
		h.kill9()
	}
	_, err := stdin.Write([]byte("exit\n"))
	require.NoError(t, err)
	require.NoError(t, shell.Wait())
	require.Equal(t, "power-reset power-off power-on boot-set", strings.Join(strings.Fields(h.Read("ran")), " "))
	require.Equal(t, 1, strings.Count(h.log.String(), "session opened"))
}
