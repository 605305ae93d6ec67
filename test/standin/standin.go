// Package standin makes the files of a transcript commands, which a test runs in the place of real ones. It does not
// know what they do. There is one function.
package standin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Install makes every file in dir executable; no such directory has none.
//
// Each is written anew while nothing forks: what a child has open for writing, if only until it executes something
// itself, no process can execute ("text file busy").
func Install(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := errors.Join(os.Remove(path), os.WriteFile(path, text, 0o755)); err != nil {
			return err
		}
	}
	return nil
}
