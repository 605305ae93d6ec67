package httpserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// Certificate reads the certificate for the sockets, and its key. It returns nil if no socket needs one. If systemd has
// passed no credentials, it reads the files that the unit names. getenv is os.Getenv.
func Certificate(sockets []*Listener, getenv func(string) string) (*tls.Certificate, error) {
	if !slices.ContainsFunc(sockets, (*Listener).NeedsCertificate) {
		return nil, nil
	}
	cert, key := getenv("SHIPMI_TLS_CERT"), getenv("SHIPMI_TLS_KEY")
	if dir := getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	}
	if cert == "" || key == "" {
		return nil, errors.New("no certificate: does the unit have LoadCredential=tls.crt:… and LoadCredential=tls.key:…?")
	}
	c, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return &c, nil
}
