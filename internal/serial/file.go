package serial

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/console"
)

// A file is what outlives the process of a line: one page with its state, which is written
// in one piece, and its storage, which is mapped. The file lies on a file system that is
// empty after a boot.
type file struct {
	*os.File
	storage []byte
}

const fileName = "console"

// openFile opens the file in dir. If create is not set, the error for a missing file is
// [fs.ErrNotExist].
func openFile(dir string, create bool) (*file, error) {
	flags := os.O_RDWR | unix.O_NOFOLLOW
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(filepath.Join(dir, fileName), flags, 0o600)
	if err != nil {
		return nil, err
	}
	storage, err := mapStorage(f)
	if err != nil {
		f.Close()
		os.Remove(f.Name()) // it is empty
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return &file{f, storage}, nil
}

// mapStorage maps the part of the file that is the storage of the line. On a full file system
// a write to a part without room would be a fatal signal.
func mapStorage(f *os.File) ([]byte, error) {
	const size = console.SavedLen + console.StorageLen
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		return nil, err
	}
	storage, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return storage[console.SavedLen:], nil
}

// openLine opens the line that an earlier process has left, if there is one.
func (p *Port) openLine(now time.Duration) error {
	f, err := openFile(p.Dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	saved := make([]byte, console.SavedLen)
	if _, err := f.ReadAt(saved, 0); err != nil {
		f.Close()
		return err
	}
	line, err := console.Restore(saved, f.storage, p.Settings, now)
	if err != nil {
		p.Log.Warn("console of an earlier process dropped", "err", err)
		line = console.New(f.storage, p.Settings)
	}
	p.file = f
	p.useLine(line)
	return nil
}

// Inspect returns a copy of a line from the file that its process may change meanwhile. A page
// that was read while the process wrote it is read again.
func Inspect(f io.ReaderAt, now time.Duration) (line *console.Line, err error) {
	const tries = 3
	for range tries {
		all := make([]byte, console.SavedLen+console.StorageLen)
		if _, err := f.ReadAt(all, 0); err != nil {
			return nil, err
		}
		line, err = console.Restore(all[:console.SavedLen], all[console.SavedLen:], console.DefaultSettings, now)
		if err == nil {
			return line, nil
		}
	}
	return nil, err
}

// newLine makes the line, unless there is one.
func (p *Port) newLine() error {
	if p.line != nil {
		return nil
	}
	f, err := openFile(p.Dir, true)
	if err != nil {
		return err
	}
	p.file = f
	p.useLine(console.New(f.storage, p.Settings))
	return nil
}

func (p *Port) useLine(line *console.Line) {
	line.Heard = p.heard
	p.line = line
}

func (f *file) save(page []byte) error {
	_, err := f.WriteAt(page, 0)
	return err
}
