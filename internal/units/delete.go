package units

import (
	"errors"
	"os"
	"path/filepath"
)

// Delete removes all files of BMCs: also the files that administrators and systemctl made
// for them, and the links that enable their units. When it is certain that files can be
// removed, it calls stop with the names, and removes only the BMCs that stop returns. If
// anything fails before the last of them is gone, all of them stay, but some may no longer
// be enabled.
//
// Delete calls reload when the links are gone and the other files are still there. systemd
// then forgets the units. Otherwise it would read each of them again without its drop-ins,
// which takes as long as everything else, and complain in the journal.
func (s Store) Delete(names []string, stop func(names []string) (stopped []string), reload func() error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.tryToStage(); err != nil {
		return err
	}
	stopped := stop(names)
	if len(stopped) == 0 {
		return nil
	}
	links, err := s.bootLinks(stopped)
	if err != nil {
		return err
	}
	if err := s.replace(takenAway(links), reload); err != nil {
		return err
	}
	gone, rest, err := s.belongings(stopped...)
	if err != nil {
		return err
	}
	if err := s.replace(takenAway(gone), func() error { return nil }); err != nil {
		return err
	}
	return removeAll(rest)
}

// takenAway returns files to take away.
func takenAway(paths []string) (files []file) {
	for _, path := range paths {
		files = append(files, file{path: path, gone: true})
	}
	return files
}

func removeAll(paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// tryToStage returns an error if nothing can be changed, as on a read-only file system.
func (s Store) tryToStage() error {
	_, err := s.stage(nil)
	return errors.Join(err, s.clear())
}

// belongings returns the paths of BMCs below the directories of drop-ins and credentials. For
// each BMC the drop-ins of the socket come first, because the BMC exists until they are gone.
// others are the paths elsewhere.
func (s Store) belongings(names ...string) (paths, others []string, err error) {
	links := make(map[string]map[string][]string) // by directory and unit
	for _, dir := range s.administered() {
		if links[dir], err = s.links(dir); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range names {
		all := append(Units(name), formerRestoreUnit(name))
		for _, unit := range all {
			paths = append(paths, s.dropInDir(unit))
		}
		paths = append(paths, s.path(s.CredentialPath(name)))
		for _, unit := range all {
			paths = append(append(paths, s.path(s.Units, unit)), links[s.Units][unit]...)
			for _, dir := range s.Owned {
				others = append(others, s.path(dir, unit), s.path(dir, unit+".d"))
				others = append(others, links[dir][unit]...)
			}
		}
		others = append(others, s.StateDirs(name)...)
		others = append(others, s.path(s.Runtime, name), s.path(s.restoreMark(name)))
	}
	return paths, others, nil
}

// links returns the links that enable units of BMCs, by the name of the unit.
func (s Store) links(dir string) (map[string][]string, error) {
	links := make(map[string][]string)
	for _, kind := range []string{"wants", "requires"} {
		paths, err := filepath.Glob(s.path(dir, "*."+kind, "shipmi-*@*"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			unit := filepath.Base(path)
			links[unit] = append(links[unit], path)
		}
	}
	return links, nil
}
