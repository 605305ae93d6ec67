package units

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maruel/natural"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/keyring"
)

const dropInName = "50-shipmi.conf"

func (s Store) path(elem ...string) string {
	return filepath.Join(s.root, filepath.Join(elem...))
}

func (s Store) dropInDir(unitName string) string { return s.path(s.Units, unitName+".d") }

func (s Store) dropInPath(unitName string) string {
	return filepath.Join(s.dropInDir(unitName), dropInName)
}

func (s Store) credentialsDir() string { return filepath.Join(s.Config, "credentials") }

func (s Store) keyring() keyring.Keyring { return keyring.Keyring{Dir: s.path(s.credentialsDir())} }

// List returns all BMCs in the order of Names. If the files of a BMC are invalid, its Err
// is set.
func (s Store) List() ([]BMC, error) {
	names, err0 := s.Names()
	p, err1 := s.loadPath()
	if err := errors.Join(err0, err1); err != nil {
		return nil, err
	}
	var all []BMC
	for _, name := range names {
		b := p.load(name)
		if b.Err != nil && !exists(s.dropInDir(SocketUnit(name))) {
			continue // it was deleted meanwhile
		}
		all = append(all, b)
	}
	return all, nil
}

// Names returns the names of all BMCs in natural order: n2 comes before n10.
func (s Store) Names() ([]string, error) {
	entries, err := os.ReadDir(s.path(s.Units))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		unit, isDropIn := strings.CutSuffix(entry.Name(), ".d")
		if name := socketName(unit); isDropIn && name != "" {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, natural.Compare)
	return names, nil
}

// Find returns the BMCs that have one of the names or match one of the patterns of
// path.Match, each BMC once. For a name or pattern without a BMC, the error has a line and
// wraps ErrNotExist.
func (s Store) Find(patterns ...string) ([]BMC, error) {
	names, err0 := s.Names()
	p, err1 := s.loadPath()
	if err := errors.Join(err0, err1); err != nil {
		return nil, err
	}
	var (
		found []BMC
		errs  []error
		seen  = make(map[string]bool)
	)
	for _, pattern := range patterns {
		matching := s.match(names, pattern)
		if matching == nil && !seen[pattern] {
			errs = append(errs, fmt.Errorf("%w: %q", ErrNotExist, pattern))
			seen[pattern] = true
		}
		for _, name := range matching {
			if !seen[name] {
				found = append(found, p.load(name))
				seen[name] = true
			}
		}
	}
	return found, errors.Join(errs...)
}

func (s Store) match(names []string, pattern string) (matching []string) {
	if s.exists(pattern) {
		return []string{pattern}
	}
	for _, name := range names {
		if ok, _ := path.Match(pattern, name); ok {
			matching = append(matching, name)
		}
	}
	return matching
}

func (s Store) exists(name string) bool {
	if instance.CheckName(name) != nil {
		return false
	}
	_, err := os.Lstat(s.dropInDir(SocketUnit(name)))
	return err == nil
}

func (p loadPath) load(name string) BMC {
	b := BMC{Instance: instance.Instance{Name: name}}
	b.Err = instance.CheckName(name)
	if b.Err == nil {
		b.Err = b.readSocket(p)
	}
	if b.Err == nil {
		b.Err = b.readService(p)
		b.Name = name
	}
	return b
}

// Credentials returns the credentials of a BMC.
func (s Store) Credentials(name string) (instance.Credentials, error) {
	return s.keyring().Read(name)
}

// ChangeCredentials lets change work on the credentials of a BMC. If change returns an
// error, they stay the same. The error wraps ErrOtherCredentials if the BMC has the
// credentials of another file.
func (s Store) ChangeCredentials(name string, change func(*instance.Credentials) error) error {
	if err := s.checkCredentialSource(name); err != nil {
		return err
	}
	if err := s.Recover(); err != nil {
		return err
	}
	_, err := s.keyring().Change(name, change)
	return err
}

// StateDirs returns the directories in which the process of a BMC may have its state.
func (s Store) StateDirs(name string) (dirs []string) {
	for _, dir := range s.State {
		dirs = append(dirs, s.path(dir, name))
	}
	return dirs
}

// InbandSocket returns the path of the socket for the guest of a BMC, as systemd sees it.
func (s Store) InbandSocket(name string) string {
	return filepath.Join(filepath.Dir(s.Runtime), "shipmi-inband", name+".sock")
}

// ActionFiles returns the files of the actions that a BMC remembers, see package
// actionlog. It leaves out the hidden files of actions that begin.
func (s Store) ActionFiles(name string) ([]string, error) {
	var files []string
	for _, dir := range s.State {
		found, err := filepath.Glob(s.path(dir, name, instance.ActionDir, "[^.]*"))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}
