//go:build e2e

package crash

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"io/fs"
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

	"github.com/shipmi/shipmi/test/console"
)

// The directories below testdata/upgrade are what a process of the first version in Go left behind: the one that
// CHANGELOG.md calls unreleased, of commit 6ecb1f4. Nothing in them was edited. TestMakeUpgradeData made them:
//
//	git worktree add /tmp/old 6ecb1f4
//	(cd /tmp/old && CGO_ENABLED=0 go build -buildvcs=false -o /tmp/shipmi-bmc-old ./cmd/shipmi-bmc)
//	go test -tags e2e -count=1 ./test/crash -run TestMakeUpgradeData -program /tmp/shipmi-bmc-old -make-upgrade-data
//
// Times in them are since the boot of a host with the boot ID firstBoot. Tests have the new program see that boot ID, and
// a boot clock that goes on a second after the data was made.
const upgradeData = "testdata/upgrade"

var makeUpgradeData = flag.Bool("make-upgrade-data", false, "replace "+upgradeData+" with what the given program leaves behind")

// A kept client is one in the middle of a session: it can go on in another process of the test.
type kept struct {
	Console *console.Console
	RqSeq   byte
	Top     uint32            // highest sequence number of an answer
	Uptime  time.Duration     // of the host
	Asked   map[string][]byte // plain requests, by name
}

const keptClient = "client.json"

// keeps copies what the BMC has on disk to a directory, and what the client knows.
func (c *client) keeps(dir string, asked map[string][]byte) {
	require.NoError(c.t, os.RemoveAll(dir))
	require.NoError(c.t, os.MkdirAll(dir, 0o755))
	for _, name := range []string{"credentials", "runtime", "state", "ran", "power"} {
		require.NoError(c.t, exec.Command("cp", "-r", c.host.Path(name), dir).Run())
	}
	text, err := json.MarshalIndent(kept{c.Console, c.rqSeq, c.top, c.host.uptime(), asked}, "", "\t")
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(filepath.Join(dir, keptClient), append(text, '\n'), 0o600))
}

// TestMakeUpgradeData makes the test data of this file, on request.
func TestMakeUpgradeData(t *testing.T) {
	if !*makeUpgradeData {
		t.Skip("-make-upgrade-data is not given")
	}
	begin := func() (h *host, c *client) {
		h = newHost(t)
		h.stays()
		h.booted(firstBoot, time.Hour)
		c = loggedIn(t, h)
		return h, c
	}
	send := func(c *client, control byte) []byte {
		c.rqSeq++
		request := console.Request(chassis, chassisControl, c.rqSeq, control)
		_, err := c.conn.Write(c.Packet(request))
		require.NoError(t, err)
		return []byte(request)
	}
	ok := func(said string) { require.Equal(t, "\x00", said[:1]) }

	// An action that runs: its script waits for a file.
	h, c := begin()
	ok(c.ask(chassis, setRestorePolicy, alwaysOn))
	ok(c.ask(app, setPassword, userPassword(operID, newPassword)...))
	ok(c.ask(app, setWatchdog, smsOS, noAction, 0, 0, 0x70, 0x17)) // 600 s
	ok(c.ask(app, resetWatchdog))
	ok(c.ask(chassis, setBootOptions, bootFlags, bootValid, bootPXE, 0, 0, 0))
	ok(c.ask(chassis, chassisIdentify, 200))
	ok(c.ask(storage, addSELEntry, event...))
	ok(c.ask(app, getDeviceID)) // or the next would be a retransmission
	ok(c.ask(storage, addSELEntry, event...))
	ok(c.ask(app, getDeviceID))
	require.Equal(t, "\x00\x03\x00", c.ask(storage, addSELEntry, event...))
	asked := map[string][]byte{"add SEL entry": []byte(c.latest), "diag": send(c, 4)}
	require.Eventually(t, func() bool { return h.runs("power-diag") == 1 }, 10*time.Second, time.Millisecond)
	h.kill9()
	c.keeps(upgradeData+"/running", asked)
	h.Write("go", "")

	// An action that has ended, and its answer was given; and one that ended while no process lived.
	h, c = begin()
	ok(c.ask(chassis, setBootOptions, bootFlags, bootValid|bootPersistent|bootEFI, bootDisk, 0, 0, 0))
	require.True(t, c.act("power-on", chassis, chassisControl, 1))
	asked = map[string][]byte{"on": []byte(c.latest), "cycle": send(c, 2)}
	require.Eventually(t, func() bool { return h.runs("power-cycle") == 1 }, 10*time.Second, time.Millisecond)
	h.kill9()
	h.Write("go", "")
	exited := func() bool {
		ended := 0
		for _, text := range h.actionFiles() {
			ended += strings.Count(text, "\naction: exit 0\n")
		}
		return ended == 3 // boot set, on, cycle
	}
	require.Eventually(t, exited, 10*time.Second, time.Millisecond)
	c.keeps(upgradeData+"/ended", asked)
}

// actionFiles returns what the files of actions say, by path.
func (h *host) actionFiles() map[string]string {
	paths, err := filepath.Glob(h.Path("state/actions/*"))
	require.NoError(h.t, err)
	files := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(h.t, err)
		files[path] = string(text)
	}
	return files
}

const newPassword = "new password"

// upgraded returns a host with what the old version left behind, and the client whose session it was. Its next process is
// one of the new version.
func upgraded(t *testing.T, name string) (h *host, c *client, asked map[string][]byte) {
	h = newHost(t)
	h.stays()
	h.Env = append(h.Env, "SHIPMI_ANSWER_TIMEOUT=10s") // no action is answered before its end
	from := os.DirFS(filepath.Join(upgradeData, name))
	require.NoError(t, fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		if entry.IsDir() {
			return os.MkdirAll(h.Path(path), 0o700)
		}
		text, err := fs.ReadFile(from, path)
		require.NoError(t, err)
		h.Write(path, string(text))
		return nil
	}))
	c = newClient(t, h, false)
	c.Console = console.New(t, 17)
	k := kept{Console: c.Console}
	require.NoError(t, json.Unmarshal([]byte(h.Read(keptClient)), &k))
	c.rqSeq, c.top, c.numbers = k.RqSeq, k.Top, map[uint32]bool{}
	h.booted(firstBoot, k.Uptime+time.Second)
	h.serve()
	return h, c, k.Asked
}

// goesOn starts a process group in the place of the script of the old version that still runs: it has the lock on the
// action file, and its number is in there. When end is called it writes the line that the wrapper of that version writes
// at the end of a script.
func (h *host) goesOn(exit int) (end func()) {
	pid := regexp.MustCompile(`(?m)^action: pid \d+$`)
	for path, text := range h.actionFiles() {
		if !pid.MatchString(text) || strings.Contains(text, "\naction: exit ") {
			continue
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(h.t, err)
		defer file.Close()
		require.NoError(h.t, syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
		script := exec.Command("sh", "-c", "until [ -e go ]; do sleep 0.02; done; echo action: exit "+strconv.Itoa(exit)+" >&3")
		script.Dir, script.ExtraFiles = h.Dir, []*os.File{file}
		script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		require.NoError(h.t, script.Start())
		h.t.Cleanup(func() {
			_ = script.Process.Kill()
			_ = script.Wait()
		})
		here := pid.ReplaceAllString(text, "action: pid "+strconv.Itoa(script.Process.Pid))
		require.NoError(h.t, os.WriteFile(path, []byte(here), 0o600)) // it truncates, and so the lock stays
		return func() { h.Write("go", "") }
	}
	require.Fail(h.t, "no action runs")
	return nil
}

// A session of the old version goes on in the new one, with its keys and sequence numbers.
func TestSessionOfTheOldVersionGoesOn(t *testing.T) {
	t.Parallel()
	h, c, _ := upgraded(t, "ended")
	require.Equal(t, "\x01\x00", c.firmware())
	for range 20 {
		require.Equal(t, "\x00\x01", c.ask(chassis, chassisStatus)[:2], "on")
	}
	require.True(t, c.act("power-reset", chassis, chassisControl, 3))
	sid := binary.LittleEndian.AppendUint32(nil, c.SIDc)
	require.Equal(t, "\x00", c.ask(app, closeSession, sid...))
	require.NotContains(t, h.log.String(), "session opened")
}

// What the old version kept in its state reads the same in the new one.
func TestStateOfTheOldVersionIsRead(t *testing.T) {
	t.Parallel()
	h, c, _ := upgraded(t, "running")
	h.goesOn(0)
	require.Equal(t, "\x00\x01\x05\x80\x04\x00\x00\x00", c.ask(chassis, getBootOptions, bootFlags, 0, 0), "boot flags")
	timer := c.watchdogTimer()
	require.True(t, timer.running)
	require.Equal(t, uint16(6000), timer.initial)
	require.InDelta(t, 5980, timer.present, 19, "it went on meanwhile")
	status := c.ask(chassis, chassisStatus)
	require.Equal(t, byte(alwaysOn<<5), status[1]&0x60, "power restore policy")
	require.Equal(t, byte(identifyTimed), status[3]&identifyMask)
	require.Equal(t, uint16(3), c.selEntries())
	for id := byte(1); id <= 3; id++ {
		entry := c.ask(storage, getSELEntry, 0, 0, id, 0, 0, 0xFF)
		require.Equal(t, id, entry[3])
		require.Equal(t, string(event[7:]), entry[3+7:], "what the client put there")
	}
	require.Equal(t, "\x00oper", strings.TrimRight(c.ask(app, getUserName, operID), "\x00"))
	oper := newClient(t, h, false)
	oper.login("oper", newPassword, 3)
}

// Boot flags of the old version expire when they would have.
func TestBootFlagsOfTheOldVersionExpire(t *testing.T) {
	t.Parallel()
	h, c, _ := upgraded(t, "running")
	h.goesOn(0) // its end would keep them
	h.booted(firstBoot, h.uptime()+time.Minute)
	c.admin()
	require.Zero(t, c.ask(chassis, getBootOptions, bootFlags, 0, 0)[3]&bootValid)
}

// A boot override for all boots has no end.
func TestPersistentBootOverrideOfTheOldVersionStays(t *testing.T) {
	t.Parallel()
	h, c, _ := upgraded(t, "ended")
	h.booted(firstBoot, h.uptime()+time.Hour)
	c.admin()
	require.Equal(t, "\xE0\x08\x00\x00\x00", c.ask(chassis, getBootOptions, bootFlags, 0, 0)[3:])
}

// An action that the old version began and the new one ends has one result, for the client that still asks, and in
// the chassis status.
func TestRunningActionOfTheOldVersionIsAdopted(t *testing.T) {
	for name, tt := range map[string]struct {
		exit  int
		code  string
		fault bool
	}{
		"success": {0, "\x00", false},
		"failure": {4, "\xFF", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, c, asked := upgraded(t, "running")
			end := h.goesOn(tt.exit)
			c.latest = string(asked["diag"])
			newClient(t, h, false).pings() // the process has started
			end()
			require.Equal(t, tt.code, c.retransmits())
			require.Equal(t, tt.fault, c.fault())
			require.Equal(t, 1, h.runs("power-diag"))
		})
	}
}

// Actions that ended under the old version do not run again for a retransmission, which gets their result.
func TestEndedActionsOfTheOldVersionAreNotRepeated(t *testing.T) {
	t.Parallel()
	h, c, asked := upgraded(t, "ended")
	newClient(t, h, false).pings() // the process has started
	for _, verb := range []string{"cycle", "on"} {
		c.latest = string(asked[verb])
		require.Equal(t, "\x00", c.retransmits(), verb)
	}
	require.False(t, c.fault())
	require.Equal(t, "boot-set power-on power-cycle", strings.Join(strings.Fields(h.Read("ran")), " "))
}

// A change that the old version made is not made again for a retransmission, which gets its result.
func TestChangeOfTheOldVersionIsNotRepeated(t *testing.T) {
	t.Parallel()
	h, c, asked := upgraded(t, "running")
	h.goesOn(0)                    // its end is an event too
	newClient(t, h, false).pings() // the process has started
	c.latest = string(asked["add SEL entry"])
	require.Equal(t, "\x00\x03\x00", c.retransmits())
	require.Equal(t, uint16(3), c.selEntries())
}
