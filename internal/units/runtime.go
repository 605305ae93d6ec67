package units

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/shipmi/shipmi/internal/instance"
)

// RuntimeDir returns a directory for temporary files that the service manager sees, too.
func (s Store) RuntimeDir() string { return s.path(filepath.Dir(s.Runtime)) }

// SessionsFile returns the path of the file with the sessions of a BMC.
func (s Store) SessionsFile(name string) string { return s.path(s.Runtime, name, "sessions") }

// CountersFile returns the path of the file in which the process of a BMC counts events.
func (s Store) CountersFile(name string) string {
	return s.path(s.Runtime, name, instance.CountersFile)
}

// ConsoleFile returns the path of the file with the console of a BMC.
func (s Store) ConsoleFile(name string) string { return s.path(s.Runtime, name, "console") }

const debugDropIn = `# Written by "shipmi logs --debug", which removes it when it ends. It does not outlive a boot.
[Service]
Environment=SHIPMI_LOG=debug
`

// debugPath is among the drop-ins of the service that do not outlive a boot.
func (s Store) debugPath(name string) string {
	dir := filepath.Join(filepath.Dir(s.Runtime), "systemd", filepath.Base(s.Units))
	return s.path(dir, ServiceUnit(name)+".d", "90-debug.conf")
}

// AddDebug makes BMCs log debug messages, from the next start of their processes on.
func (s Store) AddDebug(bmcs []BMC) error {
	for _, b := range bmcs {
		path := s.debugPath(b.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := renameio.WriteFile(path, []byte(debugDropIn), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// RemoveDebug undoes AddDebug.
func (s Store) RemoveDebug(bmcs []BMC) error {
	var errs []error
	for _, b := range bmcs {
		path := s.debugPath(b.Name)
		if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		_ = os.Remove(filepath.Dir(path)) // fails if the directory is not empty
	}
	return errors.Join(errs...)
}
