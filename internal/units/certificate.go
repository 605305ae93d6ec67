package units

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/shipmi/shipmi/internal/instance"
)

// A Certificate is the files of a certificate and of its private key in PEM. The paths are
// absolute, as the service manager sees them. systemd passes copies to each new process of a
// BMC, so a renewed certificate needs no restart.
type Certificate struct{ Cert, Key string }

// The names of the files in the credential directory of the process.
const (
	certCredential = "tls.crt"
	keyCredential  = "tls.key"
)

// The environment variables with the paths of the files, for a process that runs as root and
// to which systemd passes no credentials, as in containers of LXC and Incus.
const (
	certVariable = "SHIPMI_TLS_CERT"
	keyVariable  = "SHIPMI_TLS_KEY"
)

// HostCertificate returns the certificate of all BMCs without a certificate of their own.
func (s Store) HostCertificate() Certificate {
	dir := filepath.Join(s.Config, "tls")
	return Certificate{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
}

// CertificateOf returns the certificate that a BMC has: its own, or that of the host.
func (s Store) CertificateOf(b BMC) Certificate { return cmp.Or(b.Certificate, s.HostCertificate()) }

// CertificateFiles returns the files to read for CertificateOf.
func (s Store) CertificateFiles(b BMC) Certificate {
	host := s.HostCertificate()
	return cmp.Or(b.Certificate, Certificate{Cert: s.path(host.Cert), Key: s.path(host.Key)})
}

// options are the settings of the service.
func (c Certificate) options() []*unit.UnitOption {
	var options []*unit.UnitOption
	for _, file := range []struct{ variable, credential, path string }{
		{certVariable, certCredential, c.Cert},
		{keyVariable, keyCredential, c.Key},
	} {
		options = append(options,
			unit.NewUnitOption(serviceSection, envSetting, quote(file.variable+"="+file.path)),
			unit.NewUnitOption(serviceSection, credSetting, file.credential+":"+strings.ReplaceAll(file.path, "%", "%%")))
	}
	return options
}

// certificate returns the certificate in the settings of a service. It is the zero value for
// that of the host. The error is that of a path that a drop-in of ours cannot have.
func (p loadPath) certificate(service string, settings []setting) (Certificate, error) {
	c := Certificate{
		Cert: cmp.Or(credentialSource(p, service, settings, certCredential), p.certificateOfHost.Cert),
		Key:  cmp.Or(credentialSource(p, service, settings, keyCredential), p.certificateOfHost.Key),
	}
	if c == p.certificateOfHost {
		return Certificate{}, nil
	}
	for _, path := range []string{c.Cert, c.Key} {
		if err := instance.CheckText(path); err != nil {
			return Certificate{}, fmt.Errorf("%s: the path %q %w", credSetting, path, err)
		}
	}
	return c, nil
}

// stagedCertificate is the pattern of the directory in which a new certificate of the host
// is written. It stays if the process is killed.
const stagedCertificate = ".tls-*"

// AddHostCertificate makes the certificate of the host with the texts that create returns,
// unless there is one. It reports whether it made one. Both files appear at once, in a
// directory that only its owner can read.
func (s Store) AddHostCertificate(create func() (cert, key []byte, err error)) (made bool, err error) {
	host := s.HostCertificate()
	cert, key := exists(s.path(host.Cert)), exists(s.path(host.Key))
	switch {
	case cert && key:
		return false, nil
	case cert || key:
		return false, fmt.Errorf("%s: one of cert.pem and key.pem is missing", filepath.Dir(host.Cert))
	}
	certText, keyText, err := create()
	if err != nil {
		return false, err
	}
	dir := filepath.Dir(s.path(host.Cert))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return false, err
	}
	staged, err := os.MkdirTemp(filepath.Dir(dir), stagedCertificate) // mode 0700
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(staged)
	for _, f := range []file{{path: host.Key, text: keyText}, {path: host.Cert, text: certText}} {
		f.mode = 0o600
		if err := f.write(filepath.Join(staged, filepath.Base(f.path))); err != nil {
			return false, explain(f.path, err)
		}
	}
	_ = os.Remove(dir) // fails if the directory is not empty
	switch err := os.Rename(staged, dir); {
	case err == nil:
		return true, syncDir(filepath.Dir(dir))
	case exists(s.path(host.Cert)): // another command was faster
		return false, nil
	case errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("%s exists already, without a certificate", filepath.Dir(host.Cert))
	default:
		return false, explain(dir, err)
	}
}
