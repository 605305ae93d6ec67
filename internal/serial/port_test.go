package serial

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/rmcp"
)

const first = 100 // session of the first client

// Every byte passes in both directions, and a console at rest waits for the end of its session and nothing else.
func TestAllBytes(t *testing.T) {
	t.Parallel()
	r, c := opened(t, "echo ready; exec cat")
	r.sees(c, "ready\n")
	c.seen = nil
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	require.Equal(t, 256, r.types(first, string(all), 5*time.Second))
	r.sees(c, "\xff")
	require.Equal(t, all, c.seen)

	r.until(time.Second, func() bool { return !c.owed })
	r.acknowledge()
	fd, events := r.port.Watch()
	require.Equal(t, r.terminal.Fd(), fd)
	require.EqualValues(t, unix.POLLIN, events)
	const never = 1 << 62
	require.InDelta(t, r.now()+time.Minute, r.port.Due(never), float64(time.Second))
}

// A program types as soon as the console is open. The script gets what was typed before it ran.
func TestTypedBeforeTheScriptRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exec cat")
	r.hold = make(chan struct{})
	r.start(nil)
	c, err := r.opens(1)
	require.NoError(t, err)
	require.Equal(t, 5, r.types(first, "early", time.Second))
	close(r.hold)
	r.sees(c, "early")

	r = newRig(t, "exit 3")
	r.hold = make(chan struct{})
	r.start(nil)
	_, err = r.opens(1)
	require.NoError(t, err)
	r.runner.Provider.Path = "/nonexistent/test.conf"
	require.Equal(t, 5, r.types(first, "early", time.Second))
	close(r.hold)
	r.until(5*time.Second, func() bool { return !r.port.changing })
	require.Empty(t, r.port.line.Typed(), "dropped with the script that cannot run")
}

// A script that ends at once is run again, after longer and longer pauses.
func TestScriptThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	r, c := opened(t, "exit 3")
	r.sees(c, "[console: exit status 3, again in 1 s]\r\n")
	r.sees(c, "[console: exit status 3, again in 2 s]\r\n")
	require.Equal(t, 2, r.connects)
	require.Less(t, r.serves, 60)
	for _, pause := range []int{4, 8, 15, 15} {
		c.seen = nil
		r.offset += maxPause
		r.sees(c, fmt.Sprintf("[console: exit status 3, again in %d s]\r\n", pause))
	}
	require.Equal(t, 6, r.connects)
}

// A script that cannot be run is one that ends at once.
func TestScriptThatCannotStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, "cat")
	r.runner.Provider.Path = "/nonexistent/test.conf" // scripts run in its folder
	r.start(nil)
	c, err := r.opens(1)
	require.NoError(t, err)
	r.sees(c, "[console: script not started, again in 1 s]\r\n")
	require.Contains(t, r.log.String(), "console script not started")
}

// A gigabyte of output takes as much memory as a line. A client that watches and is slower than the script misses lines,
// and is told.
func TestGigabyte(t *testing.T) {
	t.Parallel()
	r := newRig(t, "head -c 1G /dev/zero; echo end; exec cat")
	r.start(nil)
	watcher, err := r.opens(2)
	require.NoError(t, err)
	r.until(10*time.Second, func() bool { return r.port.terminal != nil })
	watcher.silent = true
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.True(t, r.until(3*time.Minute, func() bool {
		log := r.port.line.Log()
		return bytes.HasSuffix(log[0], []byte("end\n")) || bytes.HasSuffix(log[1], []byte("end\n"))
	}))
	runtime.ReadMemStats(&after)
	require.Less(t, after.HeapAlloc, before.HeapAlloc+4<<20)
	info, err := os.Stat(filepath.Join(r.dir, fileName))
	require.NoError(t, err)
	require.EqualValues(t, console.SavedLen+console.StorageLen, info.Size())

	watcher.silent = false
	r.sees(watcher, "end\n")
	require.Regexp(t, `\[console: \d{10} characters lost\]`, string(watcher.seen))
}

// The script waits for a client that does not acknowledge what the client gets.
func TestScriptWaitsForItsClient(t *testing.T) {
	t.Parallel()
	r, c := opened(t, "seq 100000; exec cat")
	c.silent = true
	r.until(2*time.Second, func() bool { return false })
	require.Less(t, r.serves, 200)
	fd, _ := r.port.Watch()
	require.Equal(t, -1, fd, "the ring is full")
	c.silent, c.owed = false, true
	r.sees(c, "\n100000\n")
	var want strings.Builder
	for n := range 100000 {
		fmt.Fprintln(&want, n+1)
	}
	require.Equal(t, want.String(), string(c.seen))
}

// A script that never reads takes what fits into the terminal and into the ring. After that each packet is acknowledged
// with what fits, and the process waits for the terminal.
func TestScriptThatNeverReads(t *testing.T) {
	t.Parallel()
	r, c := opened(t, "echo ready; exec sleep 1000")
	r.sees(c, "ready\n")
	accepted := r.types(first, strings.Repeat("x", 200<<10), 4*time.Second)
	require.Greater(t, accepted, 64<<10)
	require.Less(t, accepted, 100<<10)
	for _, ack := range c.acks {
		require.Zero(t, ack.Flags)
	}
	fd, events := r.port.Watch()
	require.Equal(t, r.terminal.Fd(), fd)
	require.EqualValues(t, unix.POLLIN|unix.POLLOUT, events)
	before := r.serves
	r.until(time.Second, func() bool { return false })
	require.Less(t, r.serves-before, 10, "nothing to do")
}

// Without a client for half a minute, the script is hung up, and killed if it ignores that.
func TestScriptThatIgnoresHangup(t *testing.T) {
	t.Parallel()
	r, c := opened(t, `trap "" HUP; echo ready; while :; do sleep 1; done`)
	r.sees(c, "ready\n")
	group := groupOf(t, r)
	require.True(t, r.port.Deactivate(1, console.Client{Session: first, User: "admin"}))
	r.until(100*time.Millisecond, func() bool { return false })
	require.NotNil(t, r.port.terminal)
	require.NotZero(t, r.port.NeededUntil())
	r.offset += keepScript
	require.True(t, r.until(10*time.Second, func() bool { return r.port.NeededUntil() == 0 }))
	require.NoDirExists(t, fmt.Sprintf("/proc/%d", group))
	require.Empty(t, c.seen[len("ready\n"):])
}

// groupOf returns the process group of the script that runs.
func groupOf(t *testing.T, r *rig) int {
	group, err := unix.IoctlGetInt(r.terminal.Fd(), unix.TIOCGSID)
	require.NoError(t, err)
	return group
}

// The next process goes on with the terminal, the numbers and the output of the process before.
func TestNextProcess(t *testing.T) {
	t.Parallel()
	r, c := opened(t, "echo ready; exec cat")
	r.sees(c, "ready\n")
	for n := range 20 {
		r.packet(first, rmcp.SOL{Number: rmcp.SOLNumber(n%rmcp.LastNumber + 1), Data: fmt.Appendf(nil, "line %d\n", n)})
		r.port.Serve()
		r.start(r.terminal)
	}
	r.sees(c, "line 19\n")
	for n := range 20 {
		require.Equal(t, 1, bytes.Count(c.seen, fmt.Appendf(nil, "line %d\n", n)), string(c.seen))
	}
	require.Equal(t, 1, r.connects)
}

// The file of an earlier process without its script, which has ended meanwhile: the script is run again.
func TestNextProcessWithoutScript(t *testing.T) {
	t.Parallel()
	r, c := opened(t, "echo ready; exec cat")
	r.sees(c, "ready\n")
	r.terminal.End()
	c.seen = nil
	r.start(nil)
	r.sees(c, "ready\n")
	require.Equal(t, 2, r.connects)
}

// mount mounts a file system of so many pages on the directory of the file.
func (r *rig) mount(pages int) {
	if err := unix.Mount("tmpfs", r.dir, "tmpfs", 0, fmt.Sprintf("size=%dk", 4*pages)); err != nil {
		r.t.Skipf("cannot mount a file system: %v", err)
	}
	r.t.Cleanup(func() { require.NoError(r.t, unix.Unmount(r.dir, unix.MNT_DETACH)) })
}

// Without room for its file, there is no console, and nothing is left behind. The BMC works, now and in the next process.
func TestFullRuntimeDirectory(t *testing.T) {
	const pages = (console.SavedLen + console.StorageLen) / 4096
	r := newRig(t, "echo ready; exec cat")
	r.mount(pages)
	filler := filepath.Join(r.dir, "filler")
	require.NoError(t, os.WriteFile(filler, make([]byte, 4096), 0o600))
	r.start(nil)
	for range 2 {
		_, err := r.opens(1)
		require.ErrorIs(t, err, unix.ENOSPC)
		require.Contains(t, r.log.String(), `console not opened" err=`)
		_, err = os.Stat(filepath.Join(r.dir, fileName))
		require.ErrorIs(t, err, fs.ErrNotExist)
		r.start(nil)
	}

	require.NoError(t, os.Remove(filler))
	c, err := r.opens(1)
	require.NoError(t, err)
	require.True(t, errors.Is(os.WriteFile(filler, []byte{0}, 0o600), unix.ENOSPC))
	r.sees(c, "ready\n")
	c.seen = nil
	session := uint32(first + len(r.clients) - 1)
	require.Equal(t, 70000, r.types(session, strings.Repeat("x", 69999)+"\n", 20*time.Second), "a full disk is no harm then")
	r.sees(c, "x\n")
	require.Len(t, c.seen, 70000)
}

// A process that has a terminal and no room for the file ends the script, and serves.
func TestNextProcessWithoutRoom(t *testing.T) {
	r := newRig(t, "echo ready; exec cat")
	var err error
	r.terminal, err = r.runner.Connect()
	require.NoError(t, err)
	group := groupOf(t, r)
	r.mount(1)
	r.start(r.terminal)
	require.NoDirExists(t, fmt.Sprintf("/proc/%d", group))
	require.Zero(t, r.port.NeededUntil())
	_, err = r.opens(1)
	require.ErrorIs(t, err, unix.ENOSPC)
}

// A file that another version has written, or that is damaged, is replaced. The console works.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for _, content := range [][]byte{nil, []byte("console"), bytes.Repeat([]byte{0xFF}, console.SavedLen+console.StorageLen)} {
		r := newRig(t, "echo ready; exec cat")
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, fileName), content, 0o600))
		r.start(nil)
		require.Contains(t, r.log.String(), "console of an earlier process dropped")
		c, err := r.opens(1)
		require.NoError(t, err)
		r.sees(c, "ready\n")
	}
}
