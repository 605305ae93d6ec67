// Package keyring keeps the credential files of the BMCs of a host: one file for each BMC, in a directory that only root can
// open. Both programs change these files: shipmi for the administrator of the host, and shipmi-bmc for a client with
// administrator level. The package therefore locks the directory, and replaces a file atomically. It knows neither the
// meaning of the credentials nor the processes that use them. Start reading at Change.
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

// A Keyring is a directory with a credential file for each BMC. The name of a file is the name of its BMC, its mode is 0600.
type Keyring struct {
	Dir      string
	Patience time.Duration // maximum time to wait for the lock; 0 waits without a limit
}

func (k Keyring) path(name string) string { return filepath.Join(k.Dir, name) }

// Read returns the credentials of a BMC. The error wraps fs.ErrNotExist if it has none. No lock is needed.
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

// Change calls change with the credentials of a BMC, while it holds the lock, and replaces the file if they have changed. It
// returns the new credentials. The file stays as it is if change returns an error, if the credentials are not valid, or if
// the lock is not free in time (syscall.EWOULDBLOCK).
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

// write replaces a file atomically. The mode is 0600, whatever it was before.
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
