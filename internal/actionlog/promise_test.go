package actionlog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

// promise writes the file of an action that waits.
func promise(t *testing.T, l *Log) string {
	t.Helper()
	path, err := l.Promise(reset)
	require.NoError(t, err)
	return path
}

// begun has the turn come of an action that waits, and returns its open file.
func begun(t *testing.T, l *Log, path string, at time.Duration) *File {
	t.Helper()
	file, err := l.Resume(path)
	require.NoError(t, err)
	require.Equal(t, path, file.Path())
	require.NoError(t, file.Turn(at))
	return file
}

// load reads the only file.
func load(t *testing.T, l *Log) Record {
	t.Helper()
	all, err := l.Load()
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func TestAPromiseIsInItsFileUntilItsTurn(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	path := promise(t, l)
	want := reset
	want.Boot, want.Path, want.Promised = "first", path, true
	require.Equal(t, want, load(t, l))

	file, err := l.Resume(path)
	require.NoError(t, err)
	require.Equal(t, want, load(t, l), "a process that dies here leaves a promise")
	require.NoError(t, file.Turn(time.Hour))
	require.NoError(t, file.Close())
	want.Promised, want.Began = false, time.Hour
	require.Equal(t, want, load(t, l))
}

// An action that was promised and did not begin has an answer and no turn.
func TestAPromiseThatIsWithdrawnHasAnAnswer(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	path := promise(t, l)
	require.NoError(t, l.End(path, Answer{Outcome: machine.Superseded, At: time.Hour}))
	r := load(t, l)
	require.True(t, r.Promised)
	require.Equal(t, &Answer{Outcome: machine.Superseded, At: time.Hour}, r.Answer)
	require.Nil(t, Last([]string{path}), "it never began")
}

// Without a lock a file says nothing about scripts, and every program may read it.
func TestThePromisedFileIsLockedFromItsTurnOn(t *testing.T) {
	l := &Log{Dir: t.TempDir()}
	path := promise(t, l)
	locked := func() bool {
		f, err := Open(path)
		require.NoError(t, err)
		defer f.Close()
		return flock(f, syscall.LOCK_SH|syscall.LOCK_NB) != nil
	}
	require.False(t, locked())
	require.Zero(t, Running(path))
	file, err := l.Resume(path)
	require.NoError(t, err)
	require.True(t, locked())
	require.NoError(t, file.Close())
	require.False(t, locked(), "the process has died before the turn")
	begun(t, l, path, time.Hour).Close()
}

// A program that reads the files holds the lock on a promised one for a moment.
func TestReadersDoNotDisturbAPromisedActionThatBegins(t *testing.T) {
	l := &Log{Dir: t.TempDir()}
	stop := readersOf(t, l, func(files []string) {
		for _, path := range files {
			Running(path)
		}
	})
	for range 200 {
		path := promise(t, l)
		file := begun(t, l, path, time.Hour)
		l.Forget(path)
		require.NoError(t, file.Close())
	}
	stop()
}

func TestAPromiseWhoseFileIsGoneDoesNotBegin(t *testing.T) {
	l := &Log{Dir: t.TempDir()}
	_, err := l.Resume(filepath.Join(l.Dir, "action.1"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "action file: ")
}

// A turn whose line is torn or has lost a bit has not come. Its script begins only after the whole line is written, so a
// script that has begun says that its turn has come.
func TestEveryBitOfATurn(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	path := promise(t, l)
	waits := load(t, l)
	file := begun(t, l, path, time.Hour)
	defer file.Close()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	require.Len(t, lines, 4)
	line := bytes.TrimSpace(lines[2])
	require.True(t, strings.HasPrefix(string(line), "turn: "))
	before := string(bytes.Join(lines[:2], nil))

	check := func(damaged string) {
		r, ok := parse(path, before+damaged)
		require.True(t, ok)
		require.Equal(t, waits, r)
		r, ok = parse(path, before+damaged+"\naction: pid 4711\n")
		require.True(t, ok)
		require.False(t, r.Promised)
	}
	for n := range line {
		check(string(line[:n]))
	}
	for bit := range len(line) * 8 {
		flipped := bytes.Clone(line)
		flipped[bit/8] ^= 1 << (bit % 8)
		if !bytes.Contains(flipped, []byte("\n")) {
			check(string(flipped))
		}
	}
}

// What began goes on, and what was promised earlier comes after it.
func TestLoadReturnsPromisesLast(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	add := func(began time.Duration, promised bool) string {
		r := reset
		r.Began, r.Promised = began, promised
		return begin(t, l, r)
	}
	second, first, ended := add(2, true), add(1, true), add(1, true)
	running := add(3, false)
	require.NoError(t, l.End(ended, Answer{Outcome: machine.Superseded, At: 4}))
	resumed := add(0, true)
	require.NoError(t, begun(t, l, resumed, 4).Close())
	all, err := l.Load()
	require.NoError(t, err)
	var got []string
	for _, r := range all {
		got = append(got, r.Path)
	}
	require.Equal(t, []string{ended, running, resumed, first, second}, got)
}

func TestTheLastActionIsNotAPromise(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	path := promise(t, l)
	require.Nil(t, Last([]string{path}))
	file := begun(t, l, path, time.Hour)
	require.Equal(t, reset.Intent.Verb, Last([]string{path}).Verb)
	require.NoError(t, file.Close())
}
