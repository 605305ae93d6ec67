package units

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// restoreName is a file in the state directory of a BMC whose process has something to do
// after a boot of the host.
const restoreName = "restore"

// ToRestore returns the names of the BMCs that start at boot and whose processes have
// something to do after a boot of the host, in the order of Names.
func (s Store) ToRestore() (names []string, err error) {
	all, err0 := s.Names()
	enabled, err1 := s.Enabled()
	if err := errors.Join(err0, err1); err != nil {
		return nil, err
	}
	for _, name := range all {
		hasMark := func(dir string) bool { return exists(filepath.Join(dir, restoreName)) }
		if enabled[name] && slices.ContainsFunc(s.StateDirs(name), hasMark) {
			names = append(names, name)
		}
	}
	return names, nil
}

// restoreMark returns the path of a file that lasts until the host shuts down.
func (s Store) restoreMark(name string) string {
	return filepath.Join(filepath.Dir(s.Runtime), "shipmi-bmc-restore", name)
}

// MarkRestore tells the process of a BMC that the host has booted. The process looks when it
// starts.
func (s Store) MarkRestore(name string) error {
	mark := s.path(s.restoreMark(name))
	if err := os.MkdirAll(filepath.Dir(mark), 0o755); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o644)
}

// formerRestoreUnit returns the name of a unit that each BMC had in former versions, for its
// power restore policy. It was enabled together with the socket.
func formerRestoreUnit(name string) string { return "shipmi-bmc-restore@" + name + ".service" }

// removeFormerLinks removes the links that enabled such units.
func (s Store) removeFormerLinks() error {
	links, err := filepath.Glob(s.path(s.Units, "*.wants", formerRestoreUnit("*")))
	errs := []error{err}
	for _, link := range links {
		errs = append(errs, remove(link))
		_ = os.Remove(filepath.Dir(link)) // fails if the directory is not empty
	}
	return errors.Join(errs...)
}
