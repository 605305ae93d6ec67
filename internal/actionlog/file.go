package actionlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A File is the open file of an action, locked by the descriptor in it. A process that inherits
// the descriptor holds the lock too. The lock ends when the last copy is closed.
type File struct {
	file *os.File
	path string
}

// Path is the name of the file in its directory.
func (f *File) Path() string { return f.path }

// Descriptor is the open file, for a process that inherits the lock.
func (f *File) Descriptor() *os.File { return f.file }

// Turn adds that the action, which was promised, begins. From then on its file is like that of
// any other action.
func (f *File) Turn(now time.Duration) error {
	if err := writeLine(f.file, turnPrefix, turn{now}); err != nil {
		return fmt.Errorf("action file: %w", err)
	}
	return nil
}

// Close closes our copy of the descriptor.
func (f *File) Close() error { return f.file.Close() }

// Open opens an action file for reading. The caller may be root while the file belongs to a
// user who is not trusted, so anything may have its name, a symbolic link included. Anything
// but a regular file is refused without being opened, because opening a pipe blocks and opening
// a device may have an effect.
func Open(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("action file: %s is not a regular file", path)
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// Running returns the process group of the action that a file belongs to. It returns 0 if the
// action does not run, or has not written its process group yet.
func Running(path string) (group int) {
	f, err := Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	return running(f)
}

// running is Running for an open file. The number is valid only while the file is locked: by the
// leader of the group, or by the script that the leader started. After the end of the action,
// only a guest that the script left in the background may remain of the group.
func running(f *os.File) (group int) {
	if !errors.Is(flock(f, syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return 0
	}
	text, err := contents(f)
	if err != nil {
		return 0
	}
	if group, _ = strconv.Atoi(written(text, "pid")); group == 1 {
		return 0 // killing this group would kill every process
	}
	return group
}

// How much of an action file is read: its beginning, and its end, where the wrapper has written how
// the script ended. Clients that ask again and again make a file longer than that.
const (
	maxFile = 1 << 20
	maxEnd  = 64 << 10
)

func contents(f *os.File) (string, error) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxFile))
	if err != nil || len(text) < maxFile {
		return string(text), err
	}
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	from := max(maxFile, info.Size()-maxEnd)
	if from > maxFile {
		text = append(text, '\n') // the rest begins in the middle of a line
	}
	end, err := io.ReadAll(io.NewSectionReader(f, from, maxEnd))
	return string(append(text, end...)), err
}

// written is the first value that action.sh, or kill, has written to the action file under a key; empty if there is none. A
// value consists of letters, digits, "_" and "=".
func written(text, key string) string {
	foreign := func(r rune) bool {
		return r != '_' && r != '=' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	for line := range strings.Lines(text) {
		value, isOfKey := strings.CutPrefix(line, "action: "+key+" ")
		value, isWhole := strings.CutSuffix(value, "\n")
		if isOfKey && isWhole && !strings.ContainsFunc(value, foreign) {
			return value
		}
	}
	return ""
}

// Said returns what the script of an IPMI command printed, without white space.
func (l *Log) Said(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("action file: %w", err)
	}
	return written(string(text), "said"), nil
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
