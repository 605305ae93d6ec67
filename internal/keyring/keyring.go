// Package keyring keeps the credential files of the BMCs of a host: one file for
// each, in a directory that only root can open. Both programs change them, the CLI
// for its user and the process of a BMC for an administrator who asks over the
// wire, so there is a lock, and a file is replaced whole or not at all. The package
// knows nothing of what the credentials are for, nor who has to hear of a change.
// Start reading at Change.
package keyring

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/shipmi/shipmi/internal/instance"
)

// A Keyring is a directory with a credential file, mode 0600, for each BMC.
type Keyring struct {
	Dir      string
	Patience time.Duration // how long to wait for the lock; 0: for ever
}

func (k Keyring) path(name string) string { return filepath.Join(k.Dir, name) }

// Read returns the credentials of a BMC.
func (k Keyring) Read(name string) (instance.Credentials, error) {
	text, err := os.ReadFile(k.path(name))
	if err != nil {
		return instance.Credentials{}, err
	}
	c, err := instance.ParseCredentials(text)
	if err != nil {
		return instance.Credentials{}, fmt.Errorf("%s: %w", k.path(name), err)
	}
	return c, nil
}

// Change lets change work on the credentials of a BMC and replaces the file, unless
// that leaves everything as it was. It returns what is in the file then. When change
// returns an error, or makes credentials that are not valid, nothing happens.
func (k Keyring) Change(name string, change func(*instance.Credentials) error) (instance.Credentials, error) {
	unlock, err := k.Lock()
	if err != nil {
		return instance.Credentials{}, err
	}
	defer unlock()
	c, err := k.Read(name)
	if err != nil {
		return instance.Credentials{}, err
	}
	before := c.Marshal()
	if err := change(&c); err != nil {
		return instance.Credentials{}, err
	}
	if err := c.Check(); err != nil {
		return instance.Credentials{}, err
	}
	after := c.Marshal()
	if bytes.Equal(before, after) {
		return c, nil
	}
	return c, k.write(name, after)
}

// write replaces a file. Its mode is what it has to be, not what it was.
func (k Keyring) write(name string, text []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", k.path(name), err)
		}
	}()
	pending, err := renameio.NewPendingFile(k.path(name), renameio.WithTempDir(k.Dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer pending.Cleanup()
	if _, err := pending.Write(text); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}
