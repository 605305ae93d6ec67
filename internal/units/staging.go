package units

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/shipmi/shipmi/internal/keyring"
)

// All changes of files are made in three steps. First, everything new is written into a
// hidden directory, together with copies of what will be replaced and a journal. Then each
// file, or a new directory with its files, is moved into place by one rename. Last, the
// journal and the directory are removed. A process that dies in between leaves the journal:
// the next command that takes the lock undoes what was done, see recover.

const (
	stagingName = ".shipmi-staging"
	journalName = "journal.json"
)

// A file is a file to write or to take away.
type file struct {
	path string
	text []byte
	mode os.FileMode
	link string // target, if it is a link
	gone bool   // take it away; it may be a directory
	to   string // where to take it; "" removes it
}

// A transfer is one entry of the journal: New becomes Path. Without New, Path becomes Old.
type transfer struct {
	Path  string
	New   string `json:",omitempty"` // staged file or directory
	Old   string `json:",omitempty"` // copy of the file that New replaces, or place of what is taken away
	Inode uint64 `json:",omitempty"` // of New
}

// stagingDirs returns the staging directories. A rename works within one file system only,
// so the credentials and the states, which may be on others, have directories of their own.
// The last one exists only while states are written.
func (s Store) stagingDirs() []string {
	return []string{
		s.path(s.Units, stagingName), s.path(s.credentialsDir(), stagingName), s.path(s.State[len(s.State)-1], stagingName),
	}
}

func (s Store) journal() string { return s.path(s.Units, stagingName, journalName) }

// lock takes the lock of all changes, and undoes a change that another process left
// incomplete. It also removes what former versions left.
func (s Store) lock() (unlock func(), err error) {
	unlock, err = s.keyring().Lock()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.recover(), s.sweep(), s.removeFormerLinks()); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// sweep removes the temporary files of processes that were killed while they changed
// credentials. It needs the lock: then no other process writes such a file.
func (s Store) sweep() error {
	entries, err := os.ReadDir(s.path(s.credentialsDir()))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && strings.HasPrefix(entry.Name(), ".") {
			if err := remove(s.path(s.credentialsDir(), entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Recover undoes a change that was left incomplete because its process was killed. It does
// nothing while a change is being made, or if the caller may not make changes.
func (s Store) Recover() error {
	if _, err := os.Lstat(s.path(s.Units, stagingName)); err != nil {
		return nil
	}
	unlock, err := keyring.Keyring{Dir: s.path(s.credentialsDir()), Patience: time.Millisecond}.Lock()
	if err != nil {
		return nil
	}
	defer unlock()
	return s.recover()
}

// recover needs the lock: whatever is in the staging directories is of a process that is
// gone.
func (s Store) recover() error {
	text, err := os.ReadFile(s.journal())
	switch {
	case err == nil:
		var moves []transfer
		if json.Unmarshal(text, &moves) != nil {
			return s.clear() // the process was killed while it wrote the journal, before it moved anything
		}
		return s.undo(moves)
	case errors.Is(err, fs.ErrNotExist):
		return s.clear()
	default:
		return err
	}
}

// replace writes files and then calls commit. If anything fails, commit included, the files
// are as they were before.
func (s Store) replace(files []file, commit func() error) error {
	if len(files) == 0 {
		return commit()
	}
	moves, err := s.stage(files) // so that a full disk is noticed before a file is replaced
	if err != nil {
		return errors.Join(err, s.undo(nil))
	}
	for _, m := range moves {
		if err := m.do(); err != nil {
			return errors.Join(explain(m.Path, err), s.undo(moves))
		}
	}
	if err := commit(); err != nil {
		return errors.Join(err, s.undo(moves))
	}
	for _, dir := range s.stagingDirs() {
		if err := syncDir(filepath.Dir(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.clear()
}

// clear removes the staging directories, the journal first. The directory that Recover looks for
// comes last.
func (s Store) clear() error {
	if err := remove(s.journal()); err != nil {
		return err
	}
	var errs []error
	for _, dir := range slices.Backward(s.stagingDirs()) {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// undo undoes moves, the last one first, whether they were made or not. Without an error, it
// removes the staging directories.
func (s Store) undo(moves []transfer) error {
	for i := len(moves) - 1; i >= 0; i-- {
		if err := moves[i].undo(); err != nil {
			return fmt.Errorf("restore %s: %w", moves[i].Path, err)
		}
	}
	err := s.clear()
	_ = os.Remove(s.path(s.Units)) // fails if the directory is not empty
	return err
}

// stage writes everything that the moves need, and the journal.
func (s Store) stage(files []file) ([]transfer, error) {
	dirs := s.stagingDirs()
	isState := func(f file) bool { return !f.gone && s.stagingDir(f.path) == dirs[2] }
	if !slices.ContainsFunc(files, isState) {
		dirs = dirs[:2]
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			return nil, err
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, explain(dir, err)
		}
	}
	var moves []transfer
	newDirs := make(map[string]string) // by the place where they will be
	for _, f := range files {
		staged := filepath.Join(s.stagingDir(f.path), strconv.Itoa(len(moves)))
		dir := filepath.Dir(f.path)
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) && !f.gone {
			if newDirs[dir] == "" {
				newDirs[dir] = staged
				moves = append(moves, transfer{Path: dir, New: staged})
				if err := os.Mkdir(staged, 0o755); err != nil {
					return nil, explain(f.path, err)
				}
			}
			if err := f.write(filepath.Join(newDirs[dir], filepath.Base(f.path))); err != nil {
				return nil, explain(f.path, err)
			}
			continue
		}
		m, err := f.stage(staged)
		if err != nil {
			return nil, explain(f.path, err)
		}
		if m != (transfer{}) {
			moves = append(moves, m)
		}
	}
	text, err := json.Marshal(moves)
	if err != nil {
		return nil, err
	}
	if err := (file{text: text, mode: 0o600}).write(s.journal()); err != nil {
		return nil, explain(s.journal(), err)
	}
	return moves, syncDir(filepath.Dir(s.journal()))
}

// stagingDir returns the staging directory for a file.
func (s Store) stagingDir(path string) string {
	dirs := s.stagingDirs()
	isWithin := func(dir string) bool { return strings.HasPrefix(path, filepath.Dir(dir)+"/") }
	return dirs[max(0, slices.IndexFunc(dirs, isWithin))]
}

// stage writes a file to a staged path, copies the file that it replaces, and returns the
// move. There is none if the file to take away does not exist.
func (f file) stage(staged string) (m transfer, err error) {
	info, err := os.Lstat(f.path)
	exists := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return m, err
	case f.gone && !exists:
		return m, nil
	case f.gone:
		return transfer{Path: f.path, Old: cmp.Or(f.to, staged)}, nil
	}
	m = transfer{Path: f.path, New: staged}
	if err := f.write(staged); err != nil {
		return m, err
	}
	if written, err := os.Lstat(staged); err == nil {
		m.Inode = inode(written)
	}
	if exists {
		before, err := readFile(f.path, info)
		if err != nil {
			return m, err
		}
		m.Old = staged + ".old"
		return m, before.write(m.Old)
	}
	return m, nil
}

// readFile returns a file or a link as it is now.
func readFile(path string, info fs.FileInfo) (f file, err error) {
	f = file{path: path, mode: info.Mode().Perm()}
	if info.Mode()&fs.ModeSymlink != 0 {
		f.link, err = os.Readlink(path)
	} else {
		f.text, err = os.ReadFile(path)
	}
	return f, err
}

// write writes the file to another path, and waits until it is on the disk.
func (f file) write(path string) error {
	if f.link != "" {
		return os.Symlink(f.link, path)
	}
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(f.text)
	return errors.Join(err, w.Chmod(f.mode), w.Sync(), w.Close())
}

func (m transfer) do() error {
	if m.New == "" {
		return os.Rename(m.Path, m.Old)
	}
	return os.Rename(m.New, m.Path)
}

// undo does nothing if the move was not made, or if the file has been replaced since: a BMC
// replaces its credentials when a client changes a password.
func (m transfer) undo() error {
	if m.New != "" && exists(m.New) || m.Old != "" && !exists(m.Old) {
		return nil
	}
	now, err := os.Lstat(m.Path)
	switch {
	case err == nil && m.Inode != 0 && inode(now) != m.Inode:
		return nil
	case m.Old != "":
		return os.Rename(m.Old, m.Path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return os.Rename(m.Path, m.New)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func inode(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// explain replaces the name of the staged file in an error by the path that the user knows.
func explain(path string, err error) error {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	} else if cause, ok := errors.AsType[*os.LinkError](err); ok {
		err = cause.Err
	}
	return fmt.Errorf("write %s: %w", path, err)
}
