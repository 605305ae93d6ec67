package units

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/keyring"
)

const (
	unitDir        = "/etc/systemd/system"
	credentialsDir = "/etc/shipmi/credentials"
	runtimeDir     = "/run/shipmi-bmc"
	stateDir       = "/var/lib/shipmi-bmc"
	dropInName     = "50-shipmi.conf"
)

// A Store is the files of all BMCs of a host.
type Store struct {
	Root    string // prefix of every path that is read or written; empty for /
	Sandbox string // the drop-in of all services that do not run as root
}

func (s Store) path(elem ...string) string {
	return filepath.Join(s.Root, filepath.Join(elem...))
}

func (s Store) dropInDir(unitName string) string { return s.path(unitDir, unitName+".d") }

func credentialsPath(name string) string { return filepath.Join(credentialsDir, name) }

func (s Store) keyring() keyring.Keyring { return keyring.Keyring{Dir: s.path(credentialsDir)} }

// List returns all BMCs, sorted by name. One that cannot be understood is there
// too, with its Err set.
func (s Store) List() ([]BMC, error) {
	entries, err := os.ReadDir(s.path(unitDir))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	before, after, _ := strings.Cut(SocketUnit("/"), "/")
	var all []BMC
	for _, entry := range entries {
		name, isSocket := strings.CutSuffix(entry.Name(), after+".d")
		name, isOurs := strings.CutPrefix(name, before)
		if isSocket && isOurs && name != "" {
			all = append(all, s.load(name))
		}
	}
	return all, nil
}

// Find returns the named BMCs, each once. If any of them does not exist, the
// error has a line for each of those and wraps ErrNotExist.
func (s Store) Find(names ...string) ([]BMC, error) {
	var (
		found []BMC
		errs  []error
		seen  = make(map[string]bool)
	)
	for _, name := range names {
		switch {
		case seen[name]:
		case !s.exists(name):
			errs = append(errs, fmt.Errorf("%w: %q", ErrNotExist, name))
		default:
			found = append(found, s.load(name))
		}
		seen[name] = true
	}
	return found, errors.Join(errs...)
}

func (s Store) exists(name string) bool {
	if instance.CheckName(name) != nil {
		return false
	}
	_, err := os.Lstat(s.dropInDir(SocketUnit(name)))
	return err == nil
}

func (s Store) load(name string) BMC {
	b := BMC{Instance: instance.Instance{Name: name}}
	b.Err = instance.CheckName(name)
	if b.Err == nil {
		b.Err = b.readSocket(s.dropInDir(SocketUnit(name)))
	}
	if b.Err == nil {
		b.Err = b.readService(s.dropInDir(ServiceUnit(name)))
		b.Name = name
	}
	return b
}

// Credentials returns who may log in to a BMC.
func (s Store) Credentials(name string) (instance.Credentials, error) {
	return s.keyring().Read(name)
}

// ChangeCredentials lets change work on who may log in to a BMC. When it returns an
// error, everything is as it was.
func (s Store) ChangeCredentials(name string, change func(*instance.Credentials) error) error {
	_, err := s.keyring().Change(name, change)
	return err
}

// Add writes the files of a new BMC and then calls commit. When anything fails,
// commit included, it leaves everything as it was. The error wraps ErrExist or
// ErrTaken when another BMC is in the way.
func (s Store) Add(b BMC, c instance.Credentials, commit func() error) error {
	files, err := s.render(b, c)
	if err != nil {
		return err
	}
	unlock, err := s.keyring().Lock()
	if err != nil {
		return err
	}
	defer unlock()

	if s.exists(b.Name) {
		return fmt.Errorf("BMC %q %w", b.Name, ErrExist)
	}
	others, err := s.List()
	if err != nil {
		return err
	}
	if err := b.checkListen(others); err != nil {
		return err
	}
	for _, f := range files {
		if err := f.write(); err != nil {
			return errors.Join(err, undo(files))
		}
	}
	if err := commit(); err != nil {
		return errors.Join(err, undo(files))
	}
	return nil
}

// ActionFiles returns the files of the actions that a BMC remembers, see
// provider.Running.
func (s Store) ActionFiles(name string) ([]string, error) {
	return filepath.Glob(s.path(stateDir, name, instance.ActionDir, "*"))
}

// Delete removes everything that is kept for a BMC: other drop-ins of its units
// too, and the links that enable them. What makes it exist goes last, so that
// Delete can be repeated.
func (s Store) Delete(name string) error {
	unlock, err := s.keyring().Lock()
	if err != nil {
		return err
	}
	defer unlock()
	var doomed []string
	for _, unit := range []string{SocketUnit(name), restoreUnit(name)} {
		links, err := filepath.Glob(s.path(unitDir, "*.wants", unit))
		if err != nil {
			return err
		}
		doomed = append(doomed, links...)
	}
	for _, path := range append(doomed,
		s.path(credentialsPath(name)),
		s.path(runtimeDir, name),
		s.path(stateDir, name),
		s.dropInDir(ServiceUnit(name)),
		s.dropInDir(SocketUnit(name)),
	) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
