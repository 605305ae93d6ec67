//go:build e2e

package crash

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/console"
)

// prompt is how soon a command that needs no script is answered, whatever others wait for.
const prompt = 50 * time.Millisecond

// A busy host has two sessions. What the one asks for takes long, and the other must not notice.
type busyHost struct {
	*host
	slow, quick *client
}

func newBusyHost(t *testing.T, prepare ...func(h *host)) *busyHost {
	h := newHost(t)
	h.stays()
	for _, f := range prepare {
		f(h)
	}
	b := &busyHost{host: h, slow: loggedIn(t, h), quick: newClient(t, h, false)}
	b.quick.admin()
	return b
}

// sends sends a request of the slow session, and does not wait for the answer.
func (b *busyHost) sends(netFn, cmd byte, data ...byte) {
	b.slow.rqSeq = (b.slow.rqSeq + 1) % 64
	_, err := b.slow.conn.Write(b.slow.Packet(console.Request(netFn, cmd, b.slow.rqSeq, data...)))
	require.NoError(b.t, err)
}

// slowest returns how long the slowest of some requests of the quick session took.
func (b *busyHost) slowest() (most time.Duration) {
	for range 10 {
		began := time.Now()
		require.Equal(b.t, "\x00", b.quick.ask(app, getDeviceID)[:1])
		most = max(most, time.Since(began))
	}
	return most
}

// quickly has try do something, and return how long it took, until that was less than the limit: what else runs on this
// machine can delay it.
func quickly(t *testing.T, limit time.Duration, try func() time.Duration) {
	t.Helper()
	var all []time.Duration
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		took := try()
		if took < limit {
			return
		}
		all = append(all, took)
	}
	require.Fail(t, "it takes too long", "each time: %v", all)
}

// A disk that is slow to sync delays the request that waits for it, and no other.
func TestSlowDiskDelaysNoOtherSession(t *testing.T) {
	const sync = 500 * time.Millisecond
	b := newBusyHost(t)
	policy := byte(0)
	stop := b.inject("fsync", fmt.Sprintf("delay_enter=%d", sync.Microseconds()))
	defer stop()
	quickly(t, prompt, func() time.Duration {
		policy = (policy + 1) % 3
		before := b.state()
		began := time.Now()
		b.sends(chassis, setRestorePolicy, policy)
		slowest := b.slowest()
		if time.Since(began) < sync {
			require.Equal(t, before, b.state(), "it was saved before it was synced")
		}
		require.NotNil(t, b.slow.receive(10*time.Second))
		require.NotEqual(t, before, b.state())
		require.Greater(t, time.Since(began), sync, "the disk was not slow")
		return slowest
	})
}

// A credential file that another program is about to change delays the request that wants to change it, and no other.
func TestHeldCredentialLockDelaysNoOtherSession(t *testing.T) {
	b := newBusyHost(t)
	dir, err := os.Open(b.Path("credentials"))
	require.NoError(t, err)
	defer dir.Close()
	quickly(t, prompt, func() time.Duration {
		require.NoError(t, syscall.Flock(int(dir.Fd()), syscall.LOCK_EX))
		b.sends(app, setPassword, userPassword(operID, newPassword)...)
		slowest := b.slowest()
		require.NoError(t, syscall.Flock(int(dir.Fd()), syscall.LOCK_UN))
		require.NotNil(t, b.slow.receive(10*time.Second))
		return slowest
	})
	require.Contains(t, b.Read("credentials/users"), newPassword)
}

// A journald that reads nothing delays no client. How many lines were lost is logged once it reads again.
func TestJournalThatReadsNothingDelaysNobody(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	stream, journal := os.NewFile(uintptr(fds[0]), "stream"), os.NewFile(uintptr(fds[1]), "journal")
	defer journal.Close()
	defer stream.Close()
	b := newBusyHost(t, func(h *host) { h.stderr, h.last = stream, syscall.SIGKILL })
	for err == nil {
		err = unix.Send(fds[0], []byte("<6>no room for another line after these\n"), unix.MSG_DONTWAIT)
	}
	require.ErrorIs(t, err, unix.EAGAIN)

	b.sends(chassis, chassisControl, 3)
	quickly(t, prompt, b.slowest)
	const kept = 1000 // no process keeps more lines
	for range kept {
		other := newClient(t, b.host, false)
		other.login("oper", "battery staple", 3)
		require.Equal(t, "\x00", b.slow.ask(app, closeSession, binary.LittleEndian.AppendUint32(nil, other.SIDc)...)) // it is logged
		other.conn.Close()
	}

	log := &logBuffer{}
	go io.Copy(log, journal) //nolint:errcheck // it ends with the test
	require.Eventually(t, func() bool { return strings.HasSuffix(log.String(), "\n") }, 10*time.Second, time.Millisecond)
	require.True(t, b.slow.act("power-off", chassis, chassisControl, 0)) // the next lines
	lost := regexp.MustCompile(`(?m)^<\d>.*\b(lost|dropped|discarded)\b.*$`)
	require.Eventually(t, func() bool { return lost.MatchString(log.String()) }, 10*time.Second, 10*time.Millisecond, "nothing says that lines were lost")
	require.Regexp(t, `\b[1-9]\d+\b`, lost.FindString(log.String()), "how many")
}

// A query that cannot be killed is left behind at its time limit. The next one is answered.
func TestQueryThatCannotBeKilledIsLeftBehind(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	h := newHost(t)
	h.last = syscall.SIGKILL // or the process would wait for the query
	h.stays()
	h.Env = append(h.Env, "SHIPMI_QUERY_TIMEOUT=1s")
	h.Write("provider.conf", "[POWER]\nstatus = [ -e asked ] && exec cat power; echo $$ >asked; exec ./stuck sleep 60\n")

	// A process whose real user is root cannot be killed by a BMC that runs as nobody.
	setpriv, err := exec.LookPath("setpriv")
	require.NoError(t, err)
	text, err := os.ReadFile(setpriv)
	require.NoError(t, err)
	writeProgram(t, h.Path("setuid"), string(text))
	require.NoError(t, os.Chmod(h.Path("setuid"), 0o755|os.ModeSetuid))
	writeProgram(t, h.Path("stuck"), "#!/bin/sh\nexec ./setuid --reuid 0 --clear-groups \"$@\"\n")
	require.NoError(t, filepath.WalkDir(h.Dir, func(path string, _ os.DirEntry, err error) error {
		require.NoError(t, err)
		if path == h.Path("setuid") {
			return nil
		}
		return os.Chown(path, nobody, nobody)
	}))
	require.NoError(t, os.Chmod(filepath.Dir(h.Dir), 0o755))
	h.wrap(fmt.Sprintf("exec setpriv --reuid %d --regid %[1]d --clear-groups %s", nobody, program(t, "v1.0")))

	c := loggedIn(t, h)
	defer func() {
		stuck, err := strconv.Atoi(strings.TrimSpace(h.Read("asked")))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(stuck, syscall.SIGKILL))
	}()
	began := time.Now()
	require.Equal(t, "\xC3", c.ask(chassis, chassisStatus), "timeout")
	require.Less(t, time.Since(began), 4*time.Second)
	h.logged("left behind")
	require.Equal(t, "\x00\x01", c.ask(chassis, chassisStatus)[:2], "on")
	require.Less(t, time.Since(began), 4*time.Second)
}

// A client gives up after ten seconds, and then cannot say why. A status script that takes longer is an error by then.
func TestStatusIsAnErrorBeforeIpmitoolGivesUp(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.Write("provider.conf", "[POWER]\nstatus = sleep 60\n")
	h.serve()
	said, err := exec.Command("ipmitool", "-I", "lanplus", "-H", h.Address.IP.String(), "-p", strconv.Itoa(h.Address.Port),
		"-U", "admin", "-P", "correct horse", "power", "status").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "Timeout", "the completion code")
}
