package units

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Delete removes all files of BMCs: also the files that administrators and systemctl made
// for them, and the links that enable their units. When it is certain that files can be
// removed, it calls stop with the names, and removes only the BMCs that stop returns. If
// anything fails before the last of them is gone, none is removed.
func (s Store) Delete(names []string, stop func(names []string) (stopped []string)) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.tryToStage(); err != nil {
		return err
	}
	var files []file
	var rest []string
	for _, name := range stop(names) {
		gone, others, err := s.belongings(name)
		if err != nil {
			return err
		}
		for _, path := range gone {
			files = append(files, file{path: path, gone: true})
		}
		rest = append(rest, others...)
	}
	if err := s.replace(files, func() error { return nil }); err != nil {
		return err
	}
	var errs []error
	for _, path := range rest {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// tryToStage returns an error if nothing can be changed, as on a read-only file system.
func (s Store) tryToStage() error {
	_, err := s.stage(nil)
	return errors.Join(err, s.clear())
}

// belongings returns the paths of a BMC below the directories of drop-ins and credentials,
// the drop-ins of the socket first, because the BMC exists as long as they do. others are
// those elsewhere.
func (s Store) belongings(name string) (paths, others []string, err error) {
	for _, unit := range Units(name) {
		paths = append(paths, s.dropInDir(unit))
	}
	paths = append(paths, s.path(s.CredentialPath(name)))
	for _, unit := range Units(name) {
		paths = append(paths, s.path(s.Units, unit))
		for _, kind := range []string{"wants", "requires"} {
			links, err := filepath.Glob(s.path(s.Units, "*."+kind, unit))
			if err != nil {
				return nil, nil, err
			}
			paths = append(paths, links...)
		}
		for _, dir := range s.Owned {
			others = append(others, s.path(dir, unit), s.path(dir, unit+".d"))
			links, err := filepath.Glob(s.path(dir, "*.wants", unit))
			if err != nil {
				return nil, nil, err
			}
			others = append(others, links...)
		}
	}
	for _, dir := range slices.Concat(s.State, []string{s.Runtime}) {
		others = append(others, s.path(dir, name))
	}
	return paths, others, nil
}

// HandWritten returns the paths of files of a BMC that ShIPMI did not write: drop-ins, unit
// files, and links of "systemctl mask".
func (s Store) HandWritten(name string) (paths []string, err error) {
	for _, dir := range append([]string{s.Units}, s.Owned...) {
		for _, unit := range Units(name) {
			if file := s.path(dir, unit); exists(file) {
				paths = append(paths, file)
			}
			entries, err := os.ReadDir(s.path(dir, unit+".d"))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for _, entry := range entries {
				path := s.path(dir, unit+".d", entry.Name())
				if dir != s.Units || !s.isWritten(path) {
					paths = append(paths, path)
				}
			}
		}
	}
	return paths, nil
}

// isWritten reports whether ShIPMI wrote a drop-in.
func (s Store) isWritten(path string) bool {
	switch filepath.Base(path) {
	case dropInName:
		return true
	case sandboxName:
		target, err := os.Readlink(path)
		return err == nil && strings.HasSuffix(target, sandboxFile)
	default:
		return false
	}
}
