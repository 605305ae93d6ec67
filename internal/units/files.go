package units

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// A file is a file to write. Its directory may not exist yet.
type file struct {
	path string
	text []byte
	mode os.FileMode
	link string // target, if it is a link
	gone bool   // remove it
}

// replace writes files and then calls commit. If anything fails, commit included, it
// restores the former files.
func replace(files []file, commit func() error) (err error) {
	undo := func() error { return nil }
	defer func() {
		if err != nil {
			err = errors.Join(err, undo())
			removeEmptyDirs(files)
		}
	}()
	var puts []func() error
	for _, f := range files {
		put, cleanup, err := f.stage() // so that a full disk is noticed before a file is replaced
		if err != nil {
			return f.explain(err)
		}
		defer cleanup()
		puts = append(puts, put)
	}
	for i, f := range files {
		before, err := f.before()
		if err != nil {
			return err
		}
		if err := puts[i](); err != nil {
			return f.explain(err)
		}
		later := undo
		undo = func() error { return errors.Join(replace([]file{before}, nothing), later()) }
	}
	return commit()
}

func nothing() error { return nil }

func removeEmptyDirs(files []file) {
	for _, f := range files {
		_ = os.Remove(filepath.Dir(f.path)) // fails if the directory is not empty
	}
}

// before returns the file as it is now, so that it can be restored.
func (f file) before() (file, error) {
	if link, err := os.Readlink(f.path); err == nil {
		return file{path: f.path, link: link}, nil
	}
	text, err := os.ReadFile(f.path)
	if os.IsNotExist(err) {
		return file{path: f.path, gone: true}, nil
	}
	return file{path: f.path, text: text, mode: f.mode}, err
}

// explain replaces the name of the temporary file in an error.
func (f file) explain(err error) error {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	} else if cause, ok := errors.AsType[*os.LinkError](err); ok {
		err = cause.Err
	}
	return fmt.Errorf("write %s: %w", f.path, err)
}

// stage writes a temporary file and closes it, because there may be thousands. put moves it
// into place in one step, and cleanup removes it if put was not called.
func (f file) stage() (put, cleanup func() error, err error) {
	if f.gone {
		return f.remove, nothing, nil
	}
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	if f.link != "" {
		return func() error { return renameio.Symlink(f.link, f.path) }, nothing, nil
	}
	temporary, err := os.CreateTemp(dir, "."+filepath.Base(f.path))
	if err != nil {
		return nil, nil, err
	}
	_, err = temporary.Write(f.text)
	if err := errors.Join(err, temporary.Chmod(f.mode), temporary.Sync(), temporary.Close()); err != nil {
		return nil, nil, errors.Join(err, os.Remove(temporary.Name()))
	}
	put = func() error { return os.Rename(temporary.Name(), f.path) }
	return put, func() error { return os.Remove(temporary.Name()) }, nil
}

func (f file) remove() error {
	if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
