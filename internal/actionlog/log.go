// Package actionlog keeps a file for each action: a script that changes the managed
// machine. The file exists, with the intent in its first line, before the script starts.
// The script's wrapper (action.sh of package script) adds how the script ended. The BMC
// process adds the answer, before any answer leaves. If the BMC process dies, the next one
// learns from the files which actions began, and does not run them again.
//
// A file is locked from the moment it becomes visible until its script has ended. The wrapper
// and its script hold the lock, so every process can find out whether they still run.
//
// The package neither starts scripts nor decides how long a file is kept. Start reading at
// [Log.Begin], then [Wait].
package actionlog

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/jobs"
)

// A Log is the directory with the action files of one BMC. The directory must outlive a stop
// of the BMC process, because scripts do. One process at a time writes to it. The methods
// of a Log may be called at the same time.
type Log struct {
	Dir string
	// HostBoot is a different text at each boot of the host. The scripts of an earlier boot
	// have ended, whatever their files say.
	HostBoot string
}

const (
	visible = "action.*"
	hidden  = ".action.*"

	// room is how many bytes are reserved behind the callers, so that the wrapper can still write
	// how the script ended when the disk is full.
	room = 4096
)

// Begin creates the file of an action that is about to start. The file is written and locked
// under a hidden name and then renamed, so another process that lists the directory never
// finds a file that it could lock before the action does.
//
// The caller passes the file on to the script that runs, or closes it.
func (l *Log) Begin(r Record) (*File, error) {
	r.Boot = l.HostBoot
	file, err := l.begin(r)
	if err != nil {
		return nil, fmt.Errorf("action file: %w", err)
	}
	return file, nil
}

func (l *Log) begin(r Record) (*File, error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, err
	}
	id := rand.Text()
	temporary, path := filepath.Join(l.Dir, ".action."+id), filepath.Join(l.Dir, "action."+id)
	f, err := os.OpenFile(temporary, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = errors.Join(flock(f, syscall.LOCK_EX|syscall.LOCK_NB), writeLine(f, "", r))
	for _, c := range r.Callers {
		err = errors.Join(err, writeLine(f, callerPrefix, c))
	}
	end, failure := f.Seek(0, io.SeekEnd)
	err = errors.Join(err, failure)
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, end+room) // not every file system can
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		f.Close()
		os.Remove(temporary)
		return nil, err
	}
	return &File{f, path}, nil
}

// Promise creates the file of an action that waits for its turn, without a lock.
func (l *Log) Promise(r Record) (path string, err error) {
	r.Promised = true
	f, err := l.Begin(r)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return f.Path(), nil
}

// Resume opens and locks the file of an action that was promised and whose turn has come. A
// program that reads the file may hold the lock for a moment, so Resume waits for it. The
// caller calls [File.Turn] before the script starts.
func (l *Log) Resume(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("action file: %w", err)
	}
	if err := flock(f, syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("action file: %w", err)
	}
	return &File{f, path}, nil
}

// AddCaller adds a session that asks for an action that has begun, or replaces what the
// file says of that session.
func (l *Log) AddCaller(path string, c jobs.Caller) error { return addLine(path, callerPrefix, c) }

// End adds the answer to an action.
func (l *Log) End(path string, a Answer) error { return addLine(path, answerPrefix, a) }

// Forget removes the file of an action. The script of an action that still runs goes on.
func (l *Log) Forget(path string) { os.Remove(path) }

func addLine(path, prefix string, value any) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("action file: %w", err)
	}
	if err := errors.Join(writeLine(f, prefix, value), f.Close()); err != nil {
		return fmt.Errorf("action file: %w", err)
	}
	return nil
}

// Load reads the files that earlier processes left: first the actions that have an answer,
// in the order in which they ended, then those that have begun, in the order in which they
// began, and then those that were promised, in the order in which they were promised.
// It removes files of another boot of the host, files whose first line is damaged or torn
// (their actions never started), and files that Begin did not finish. It must be called before
// the first Begin.
func (l *Log) Load() ([]Record, error) {
	leftovers, err := filepath.Glob(filepath.Join(l.Dir, hidden))
	if err != nil {
		return nil, err
	}
	for _, path := range leftovers {
		os.Remove(path)
	}
	paths, err := filepath.Glob(filepath.Join(l.Dir, visible))
	if err != nil {
		return nil, err
	}
	var all []Record
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if r, ok := parse(path, string(text)); ok && r.Boot == l.HostBoot {
			all = append(all, r)
		} else {
			os.Remove(path)
		}
	}
	slices.SortFunc(all, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.ended(), b.ended()), cmp.Compare(a.waits(), b.waits()), cmp.Compare(a.Began, b.Began))
	})
	return all, nil
}

// ended is when the action ended; later than any time if it has not.
func (r Record) ended() time.Duration {
	if r.Answer == nil {
		return math.MaxInt64
	}
	return r.Answer.At
}

// waits is 1 for an action that was promised and whose turn has not come, and 0 for any other.
func (r Record) waits() int {
	if r.Promised {
		return 1
	}
	return 0
}
