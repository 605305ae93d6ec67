package units

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/shipmi/shipmi/internal/instance"
)

// A file is to be written for a new BMC, in a directory that may not exist yet.
type file struct {
	path string
	text []byte
	mode os.FileMode
	link string // where it points to, if it is a link
}

// render returns the files of a BMC, the one that makes it exist last.
func (s Store) render(b BMC, c instance.Credentials) ([]file, error) {
	socket, socketErr := b.socketDropIn()
	service, serviceErr := b.serviceDropIn()
	if err := errors.Join(instance.CheckName(b.Name), c.Check(), socketErr, serviceErr); err != nil {
		return nil, err
	}
	files := []file{
		{path: s.path(credentialsPath(b.Name)), text: c.Marshal(), mode: 0o600},
		{path: filepath.Join(s.dropInDir(ServiceUnit(b.Name)), dropInName), text: service, mode: 0o644},
		{path: filepath.Join(s.dropInDir(SocketUnit(b.Name)), dropInName), text: socket, mode: 0o644},
	}
	if b.RunAs == (Account{}) {
		return files, nil
	}
	sandbox, err := s.sandbox(b)
	return slices.Insert(files, 1, sandbox), err
}

func (f file) write() (err error) {
	defer func() {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("write %s: %w", f.path, cause.Err) // not the temporary file
		}
	}()
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if f.link != "" {
		return renameio.Symlink(f.link, f.path)
	}
	pending, err := renameio.NewPendingFile(f.path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(f.mode))
	if err != nil {
		return err
	}
	defer pending.Cleanup()
	if _, err := pending.Write(f.text); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}

// undo removes what write may have made. Directories that hold something else
// stay.
func undo(files []file) error {
	var errs []error
	for _, f := range files {
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
		_ = os.Remove(filepath.Dir(f.path))
	}
	return errors.Join(errs...)
}
