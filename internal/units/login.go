package units

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// LoginPath returns the path of a file with the credentials that a provider needs for
// another system. Several BMCs may share it.
func (s Store) LoginPath(name string) string { return filepath.Join(s.Config, "logins", name+".env") }

// AddLogin writes such a file, which only root can read. It does not overwrite a file with
// other content.
func (s Store) AddLogin(name string, text []byte) error {
	path := s.path(s.LoginPath(name))
	now, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return renameio.WriteFile(path, text, 0o600, renameio.IgnoreUmask())
	case err == nil && !bytes.Equal(now, text):
		return fmt.Errorf("%s exists already, with other content", path)
	default:
		return err
	}
}
