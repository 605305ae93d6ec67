package units

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// lock waits until no other process changes the files, and keeps others waiting
// until unlock is called. It locks the directory of the credentials, because only
// root can open that one: nobody else can hold up a change. The directory is made
// for the purpose, and removed by unlock when it is empty.
func (s Store) lock() (unlock func(), err error) {
	dir := s.path(credentialsDir)
	var held *os.File
	for range 1000 { // each further turn is due to somebody else's unlock
		held, err = lockDir(dir)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return func() {
		_ = os.Remove(dir)
		_ = os.Remove(filepath.Dir(dir))
		held.Close()
	}, nil
}

// lockDir makes dir where needed and locks it. When directories came or went
// meanwhile, the error is fs.ErrExist or fs.ErrNotExist.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "flock", Path: dir, Err: err}
	}
	if err := checkSame(f, dir); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkSame reports whether path was removed or replaced since f was opened.
func checkSame(f *os.File, path string) error {
	opened, err := f.Stat()
	if err != nil {
		return err
	}
	now, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, now) {
		return fs.ErrNotExist
	}
	return nil
}
