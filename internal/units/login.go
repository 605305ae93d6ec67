package units

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoginPath returns where what a provider logs in with is kept, under a name that
// several BMCs may share.
func (s Store) LoginPath(name string) string { return filepath.Join(s.Config, "logins", name+".env") }

// AddLogin keeps what a provider logs in with, for root alone. It does not take the
// place of something else.
func (s Store) AddLogin(name string, text []byte) error {
	path := s.path(s.LoginPath(name))
	now, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace([]file{{path: path, text: text, mode: 0o600}}, nothing)
	case err == nil && !bytes.Equal(now, text):
		return fmt.Errorf("%s exists already, with something else in it", path)
	default:
		return err
	}
}
