package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/units"
)

// FindCertificate returns the absolute paths of a certificate and its private key, which it
// has checked: they belong together, clients accept them, and only root, or the caller,
// can read the key.
func (h Host) FindCertificate(cert, key string) (units.Certificate, error) {
	var c units.Certificate
	certText, err0 := os.ReadFile(cert)
	keyText, err1 := os.ReadFile(key)
	if err := errors.Join(err0, err1); err != nil {
		return c, err
	}
	if OthersCanRead(key) {
		return c, hint.Add(fmt.Errorf("%s: users other than root can read this private key", key), "chown root: %s; chmod 600 %s", key, key)
	}
	parsed, err := certificate.Parse(certText, keyText)
	if err != nil {
		return c, fmt.Errorf("%s and %s: %w", cert, key, err)
	}
	if err := parsed.Check(h.Now()); err != nil {
		return c, fmt.Errorf("%s: %w", cert, err)
	}
	c.Cert, err0 = filepath.Abs(cert)
	c.Key, err1 = filepath.Abs(key)
	return c, errors.Join(err0, err1)
}

// OthersCanRead reports whether users other than root and the caller can read a file that
// exists.
func OthersCanRead(file string) bool {
	var stat unix.Stat_t
	if err := unix.Stat(file, &stat); err != nil {
		return false
	}
	return stat.Mode&0o077 != 0 || stat.Uid != 0 && int(stat.Uid) != os.Geteuid()
}
