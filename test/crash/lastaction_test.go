//go:build e2e

package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
)

// reading is what the process does that a test starts to read the files of actions, as "shipmi list -o wide" and "shipmi
// show" do, again and again.
func reading() {
	for pattern := os.Getenv("CRASH_READ"); pattern != ""; {
		files, _ := filepath.Glob(pattern)
		actionlog.Last(files)
	}
}

// However many read the files of actions, no action is refused because of that. Here the lock that a reader may take on a
// file takes long, and so does the one of the BMC process, so that one of the first actions meets a reader.
func TestReadersOfTheLastActionKeepNoActionFromBeginning(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	h.Env = append(h.Env, "SHIPMI_ANSWER_TIMEOUT=10s") // no action is answered before its end
	h.Write("provider.conf", "[POWER]\nstatus = echo on\noff = true\nreset = true\n")
	c := loggedIn(t, h)
	stop := h.inject("flock", "delay_enter=50000")
	defer stop()

	self, err := os.Executable()
	require.NoError(t, err)
	for range 3 {
		reader := exec.Command("strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:delay_exit=30000", self)
		reader.Env = append(os.Environ(), "CRASH_READ="+h.Path("state/actions/*"))
		reader.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // strace alone would leave the reader behind
		require.NoError(t, reader.Start())
		defer func() {
			require.NoError(t, syscall.Kill(-reader.Process.Pid, syscall.SIGKILL))
			_ = reader.Wait()
		}()
	}
	for i := range 5 {
		require.Equal(t, "\x00", c.ask(chassis, chassisControl, 0), "off %d", i)
		require.Equal(t, "\x00", c.ask(chassis, chassisControl, 3), "reset %d", i) // or the next would be a retransmission
	}
}
