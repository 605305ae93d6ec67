package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

// examineCertificates finds BMCs whose Redfish clients refuse to connect, or whose process
// cannot start, because of the certificate.
func (d *Doctor) examineCertificates(context.Context) error {
	type examined struct {
		certificate *certificate.Certificate // nil if a finding says what is wrong
		by          string                   // the BMC of that finding
	}
	known := make(map[units.Certificate]examined)
	for _, b := range d.bmcs {
		if b.Redfish == nil {
			continue
		}
		files := d.Store.CertificateFiles(b)
		e, seen := known[files]
		if !seen {
			c, err := d.examineCertificate(b, files)
			if err != nil {
				return err
			}
			e = examined{c, b.Name}
			known[files] = e
		}
		if e.certificate == nil {
			d.silent[b.Name] = d.silent[b.Name] || d.silent[e.by]
			continue
		}
		for _, listen := range b.Redfish {
			if addr := listen.Addr(); e.certificate.Misses(addr) {
				d.warning(b.Name, fmt.Sprintf("clients that verify the certificate %s refuse to connect, because it does not name the address %v", files.Cert, addr),
					"%s", remake(b, files))
			}
		}
	}
	return nil
}

// examineCertificate examines one certificate, and returns it if it is valid.
func (d *Doctor) examineCertificate(b units.BMC, files units.Certificate) (*certificate.Certificate, error) {
	cert, err0 := os.ReadFile(files.Cert)
	key, err1 := os.ReadFile(files.Key)
	err := cmp.Or(err0, err1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.silent[b.Name] = true
		d.problem(b.Name, "its process cannot start, because its certificate is missing: "+err.Error(), "%s", remake(b, files))
		return nil, nil
	case err != nil:
		return nil, err
	}
	if b.Certificate != (units.Certificate{}) && settings.OthersCanRead(files.Key) { // examineModes knows that of the host
		d.problem(b.Name, files.Key+", the key of its certificate, is accessible to users other than root", "chown root: %s; chmod 600 %s", files.Key, files.Key)
	}
	c, err := certificate.Parse(cert, key)
	if err == nil {
		err = c.Check(d.Host.Now())
	}
	if err != nil {
		d.problem(b.Name, fmt.Sprintf("Redfish clients cannot use its certificate %s: %v", files.Cert, err), "%s", remake(b, files))
		return nil, nil
	}
	if expires, soon := c.ExpiresSoon(d.Host.Now()); soon {
		d.warning(b.Name, fmt.Sprintf("its certificate %s expires on %s", files.Cert, expires), "%s", remake(b, files))
	}
	return &c, nil
}

// remake returns the commands that replace the certificate of a BMC.
func remake(b units.BMC, files units.Certificate) string {
	if b.Certificate != (units.Certificate{}) {
		return fmt.Sprintf("replace the files, or shipmi set %s --tls-cert FILE --tls-key FILE", b.Name)
	}
	return fmt.Sprintf("rm -rf %s; then shipmi start %s makes a new one, which clients must be told to trust", filepath.Dir(files.Cert), b.Name)
}
