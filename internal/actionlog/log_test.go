package actionlog

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// reset is an action that a client asked for.
var reset = Record{
	Began:   time.Minute,
	Intent:  machine.Intent{Verb: provider.Reset},
	Asker:   machine.Asker{User: "admin", Via: "lan", Peer: netip.MustParseAddrPort("192.0.2.1:50000")},
	Cause:   machine.CauseClient,
	Callers: jobs.Callers{{Session: 1, Key: 1 << 63, RqSeqs: 2, Sequence: 7, Latest: time.Minute}},
}

func begin(t *testing.T, l *Log, r Record) string {
	t.Helper()
	file, err := l.Begin(r)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return file.Path()
}

func TestLoadReturnsWhatWasWritten(t *testing.T) {
	l := &Log{Dir: filepath.Join(t.TempDir(), "actions"), HostBoot: "first"}
	none, err := l.Load()
	require.NoError(t, err)
	require.Empty(t, none, "there is no directory yet")

	path := begin(t, l, reset)
	again := reset.Callers[0]
	again.RqSeqs, again.Sequence, again.Latest = 6, 8, time.Minute+time.Second
	other := jobs.Caller{Session: 2, RqSeqs: 1, Sequence: 1, Latest: time.Minute, Constant: true}
	require.NoError(t, l.AddCaller(path, other))
	require.NoError(t, l.AddCaller(path, again))

	want := reset
	want.Boot, want.Path, want.Callers = "first", path, jobs.Callers{again, other}
	all, err := l.Load()
	require.NoError(t, err)
	require.Equal(t, []Record{want}, all)

	answer := Answer{Outcome: machine.TimedOut, At: time.Hour}
	require.NoError(t, l.End(path, answer))
	want.Answer = &answer
	all, err = l.Load()
	require.NoError(t, err)
	require.Equal(t, []Record{want}, all)

	l.Forget(path)
	all, err = l.Load()
	require.NoError(t, err)
	require.Empty(t, all)
	require.ErrorIs(t, l.AddCaller(path, other), os.ErrNotExist)
	require.ErrorIs(t, l.End(path, answer), os.ErrNotExist)
}

func TestLoadOrder(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	add := func(began, ended time.Duration) string {
		r := reset
		r.Began = began
		path := begin(t, l, r)
		if ended != 0 {
			require.NoError(t, l.End(path, Answer{Outcome: machine.Done, At: ended}))
		}
		return path
	}
	want := []string{add(2, 3), add(1, 4), add(3, 4), add(1, 0), add(2, 0)}
	all, err := l.Load()
	require.NoError(t, err)
	var got []string
	for _, r := range all {
		got = append(got, r.Path)
	}
	require.Equal(t, want, got)
}

// Files of another boot, files whose action never started, and files that Begin did not finish
// are removed.
func TestLoadRemovesWhatIsOver(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	begin(t, &Log{Dir: l.Dir, HostBoot: "earlier"}, reset)
	text, err := os.ReadFile(begin(t, l, reset))
	require.NoError(t, err)
	for name, text := range map[string]string{
		".action.1": string(text), "action.torn": string(text[:40]), "action.empty": "",
		"action.idle": string(sealed(`{"boot":"first","began":1}` + "\n")),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(l.Dir, name), []byte(text), 0o600))
	}
	all, err := l.Load()
	require.NoError(t, err)
	require.Len(t, all, 1)
	left, err := os.ReadDir(l.Dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// A program that lists the directory while an action begins can never lock the file of that action.
// Version 1 refused 12 of 300 actions because of two readers.
func TestReadersNeverDisturbAnActionThatBegins(t *testing.T) {
	l := &Log{Dir: t.TempDir()}
	stop := readersOf(t, l, func(files []string) {
		Last(files)
		for _, path := range files {
			f, err := Open(path)
			if err != nil {
				continue // it was removed meanwhile
			}
			if flock(f, syscall.LOCK_SH|syscall.LOCK_NB) == nil {
				if _, err := os.Stat(path); err == nil {
					t.Error("a reader has locked the file of an action that begins")
				}
			}
			f.Close()
		}
	})
	for range 100 {
		file, err := l.Begin(reset)
		require.NoError(t, err)
		l.Forget(file.Path())
		require.NoError(t, file.Close())
	}
	stop()
}

// readersOf has two readers read the files of actions again and again, until it is told to stop.
func readersOf(t *testing.T, l *Log, read func(files []string)) (stop func()) {
	ended := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				files, err := filepath.Glob(filepath.Join(l.Dir, "action.*"))
				if err != nil {
					t.Error(err)
				}
				read(files)
			}
		})
	}
	return func() {
		close(ended)
		readers.Wait()
	}
}

func TestBeginWithoutADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := (&Log{Dir: file}).Begin(reset)
	require.ErrorIs(t, err, syscall.ENOTDIR)
	require.ErrorContains(t, err, "action file: ")
}

// The wrapper can write how a script ended when the disk is full, also behind a long URL.
func TestRoomBehindALongURL(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	image := machine.Media{URL: "http://h/?" + strings.Repeat("&", 2038), Login: "ABC"}
	f, err := l.Begin(Record{Intent: machine.Intent{Verb: provider.MediaInsert, Media: image}})
	require.NoError(t, err)
	var stat syscall.Stat_t
	require.NoError(t, syscall.Fstat(int(f.Descriptor().Fd()), &stat))
	require.Greater(t, stat.Size, int64(room))
	require.GreaterOrEqual(t, stat.Blocks*512, stat.Size+room)
	require.NoError(t, f.Close())
	left, err := l.Load()
	require.NoError(t, err)
	require.Equal(t, image, left[0].Intent.Media)
}
