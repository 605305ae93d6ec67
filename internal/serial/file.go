package serial

import (
	"errors"
	"fmt"
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
	const size = console.SavedLen + console.StorageLen
	// On a full file system a write to the map would be a fatal signal.
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	storage, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return &file{f, storage[console.SavedLen:]}, nil
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
