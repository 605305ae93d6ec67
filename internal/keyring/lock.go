package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Lock waits until no other process changes the files, and keeps others waiting
// until unlock is called. It locks the directory, because only root can open that
// one: nobody else can hold up a change. The directory is made for the purpose, and
// removed by unlock when it is empty.
func (k Keyring) Lock() (unlock func(), err error) {
	var held *os.File
	for range 1000 { // each further turn is due to somebody else's unlock
		held, err = k.open()
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return func() {
		_ = os.Remove(k.Dir)
		_ = os.Remove(filepath.Dir(k.Dir))
		held.Close()
	}, nil
}

// open makes the directory where needed and locks it. When directories came or went
// meanwhile, the error is fs.ErrExist or fs.ErrNotExist.
func (k Keyring) open() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(k.Dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(k.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f, err := os.Open(k.Dir)
	if err != nil {
		return nil, err
	}
	if err := k.flock(f); err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "flock", Path: k.Dir, Err: err}
	}
	if err := checkSame(f, k.Dir); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (k Keyring) flock(f *os.File) error {
	if k.Patience == 0 {
		return syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	const pause = 10 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || waited >= k.Patience {
			return err
		}
		time.Sleep(pause)
	}
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
