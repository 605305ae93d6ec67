package units

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/shipmi/shipmi/internal/instance"
)

// Copy adds a BMC with the settings, the credentials and the hand-written drop-ins of
// another one, after change has worked on them, and then calls commit. If anything fails,
// commit included, no BMC is added.
func (s Store) Copy(from, to string, change func(*BMC, *instance.Credentials) error, commit func() error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := s.List()
	if err != nil {
		return err
	}
	files, err := s.copied(from, to, change, all)
	if err != nil {
		return err
	}
	return s.replace(files, commit)
}

// Rename gives a BMC another name, after change has worked on it, and then calls commit. The
// BMC keeps its state. When it is certain that files can be changed, Rename calls stop. If
// anything fails, commit included, the BMC keeps its name.
func (s Store) Rename(from, to string, change func(*BMC, *instance.Credentials) error, stop, commit func() error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := s.List()
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(all), func(b BMC) bool { return b.Name == from })
	files, err := s.copied(from, to, change, others)
	if err != nil {
		return err
	}
	gone, rest, err := s.belongings(from)
	if err != nil {
		return err
	}
	away := append(takenAway(gone), s.renamedState(from, to)...)
	if err := s.tryToStage(); err != nil {
		return err
	}
	if err := stop(); err != nil {
		return err
	}
	if err := s.replace(append(away, files...), commit); err != nil {
		return err
	}
	return removeAll(rest)
}

// renamedState returns the state directories of a BMC, to be renamed.
func (s Store) renamedState(from, to string) (files []file) {
	for _, dir := range s.State {
		files = append(files, file{path: s.path(dir, from), gone: true, to: s.path(dir, to)})
	}
	return files
}

// checkUnused returns an error if a BMC that had the name before has left its state. The new
// BMC would have the event log and the boot options of that BMC.
func (s Store) checkUnused(name string) error {
	for _, dir := range s.StateDirs(name) {
		if exists(dir) {
			return fmt.Errorf("%s is left over from a BMC that was called %q", dir, name)
		}
	}
	return nil
}

// copied returns the files of a new BMC that has what another one has. The directory of the
// socket comes last.
func (s Store) copied(from, to string, change func(*BMC, *instance.Credentials) error, others []BMC) ([]file, error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, err
	}
	if !s.exists(from) {
		return nil, fmt.Errorf("%w: %q", ErrNotExist, from)
	}
	old := p.load(from)
	b, c, err := s.changed(old, func(b *BMC, c *instance.Credentials) error {
		b.Name = to
		return change(b, c)
	})
	if err := errors.Join(err, s.checkUnused(to)); err != nil {
		return nil, err
	}
	written, err := s.newFiles(b, c, addressesOf(others))
	if err != nil {
		return nil, err
	}
	if err := s.addForeign(written, old, b); err != nil {
		return nil, err
	}
	byHand := make(map[string]file)
	for i, unit := range Units(from) {
		if err := s.copyByHand(unit, Units(to)[i], byHand); err != nil {
			return nil, err
		}
	}
	var files, last []file
	for _, f := range written {
		if old.RunAs == b.RunAs && byHand[f.path].path != "" {
			continue // the administrator has replaced the sandbox
		}
		delete(byHand, f.path)
		last = append(last, f)
	}
	for _, path := range slices.Sorted(maps.Keys(byHand)) {
		files = append(files, byHand[path])
	}
	files = append(files, last...)
	socket := s.dropInDir(SocketUnit(to))
	isOther := func(f file) bool { return filepath.Dir(f.path) != socket }
	isSocket := func(f file) bool { return !isOther(f) }
	return slices.Concat(slices.DeleteFunc(slices.Clone(files), isSocket), slices.DeleteFunc(files, isOther)), nil
}

// copyByHand adds copies, for another unit, of the files of a unit that ShIPMI did not write.
func (s Store) copyByHand(from, to string, copies map[string]file) error {
	paths := map[string]string{s.path(s.Units, from): s.path(s.Units, to)}
	entries, err := os.ReadDir(s.dropInDir(from))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if path := filepath.Join(s.dropInDir(from), entry.Name()); !entry.IsDir() && !s.isWritten(path) {
			paths[path] = filepath.Join(s.dropInDir(to), entry.Name())
		}
	}
	for old, now := range paths {
		info, err := os.Lstat(old)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f, err := readFile(old, info)
		if err != nil {
			return err
		}
		f.path = now
		copies[now] = f
	}
	return nil
}

// addForeign adds to the drop-ins of a new BMC what an administrator added to those of the
// old one.
func (s Store) addForeign(written []file, old, b BMC) error {
	before, err := s.dropIns(old)
	if err != nil {
		return err
	}
	after, err := s.dropIns(b)
	if err != nil {
		return err
	}
	for i, d := range after {
		ours := slices.Concat(before[i].options, d.options, s.formerOptions(old.Name))
		foreign, err := foreignOptions(s.dropInPath(before[i].unit), ours)
		if err != nil {
			return err
		}
		d.options = append(d.options, foreign...)
		f, err := s.render(d)
		if err != nil {
			return err
		}
		written[slices.IndexFunc(written, func(w file) bool { return w.path == f.path })] = f
	}
	return nil
}
