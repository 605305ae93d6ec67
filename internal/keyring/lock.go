package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Lock takes the lock that a change of the files needs. It waits until no other process has the lock, or until Patience has
// passed: then the error wraps syscall.EWOULDBLOCK. The caller must call unlock.
//
// The lock is on the directory, because only root can open the directory. Other users therefore cannot block a change. Lock
// makes the directory if needed, and unlock removes it if it is empty.
func (k Keyring) Lock() (unlock func(), err error) {
	var held *os.File
	for range 1000 { // again only if another process has removed the directory in its unlock
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

// open makes the directory if needed and locks it. The error wraps fs.ErrExist or fs.ErrNotExist if another process has made
// or removed a directory at the same time.
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

// checkSame returns fs.ErrNotExist if path was removed or replaced after f was opened.
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
