// Package certificate makes the certificate with which the BMCs of a host serve Redfish over
// HTTPS, and examines certificates that an administrator brings. It works on texts in PEM
// and on values: it reads and writes no file, and the time is an argument. internal/units
// knows where the files are. Start reading at Create, then Certificate.
package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// Lifetime is how long a certificate of Create is valid. Some clients refuse one that is
	// valid for more than 825 days.
	Lifetime = 825 * 24 * time.Hour

	// Soon is the time before the end of a certificate in which it has to be renewed.
	Soon = 30 * 24 * time.Hour

	// skew is how far the clocks of clients may be behind.
	skew = time.Hour

	maxCommonName = 64 // bytes (RFC 5280, ub-common-name)

	minRSA   = 2048 // bits
	minCurve = 256  // bits
)

// Create returns a new self-signed certificate for servers with these names and addresses,
// and its private key of the curve P-256, both in PEM. It cannot sign other certificates.
// Names that are not ASCII are left out.
func Create(names []string, addrs []netip.Addr, now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := x509.Certificate{
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(-skew + Lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if name != "" && isASCII(name) {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	for _, addr := range addrs {
		template.IPAddresses = append(template.IPAddresses, addr.WithZone("").AsSlice())
	}
	template.Subject = pkix.Name{Organization: []string{"ShIPMI"}}
	if len(template.DNSNames) > 0 && len(template.DNSNames[0]) <= maxCommonName {
		template.Subject.CommonName = template.DNSNames[0]
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// A Certificate is the first certificate of a file, that of the server.
type Certificate struct{ leaf *x509.Certificate }

// Parse reads a certificate, with those that its chain needs, and its private key, all in
// PEM. It returns an error if they do not belong together.
func Parse(cert, key []byte) (Certificate, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return Certificate{}, errors.New(strings.TrimPrefix(err.Error(), "tls: "))
	}
	return Certificate{pair.Leaf}, nil
}

// ParsePublic reads a certificate alone.
func ParsePublic(cert []byte) (Certificate, error) {
	for block, rest := pem.Decode(cert); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			leaf, err := x509.ParseCertificate(block.Bytes)
			return Certificate{leaf}, err
		}
	}
	return Certificate{}, errors.New("it has no certificate in PEM")
}

// Check returns an error if clients refuse the certificate whatever its names are: because
// of the time, or because it is weak.
func (c Certificate) Check(now time.Time) error {
	switch {
	case now.Before(c.leaf.NotBefore):
		return fmt.Errorf("it is not valid before %s", day(c.leaf.NotBefore))
	case now.After(c.leaf.NotAfter):
		return fmt.Errorf("it expired on %s", day(c.leaf.NotAfter))
	}
	switch key := c.leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA {
			return fmt.Errorf("it is weak: its RSA key has %d bits, want %d", bits, minRSA)
		}
	case *ecdsa.PublicKey:
		if bits := key.Curve.Params().BitSize; bits < minCurve {
			return fmt.Errorf("it is weak: its elliptic curve has %d bits, want %d", bits, minCurve)
		}
	}
	broken := []x509.SignatureAlgorithm{x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1}
	if !c.SelfSigned() && slices.Contains(broken, c.leaf.SignatureAlgorithm) {
		return fmt.Errorf("it is weak: it is signed with %v", c.leaf.SignatureAlgorithm)
	}
	return nil
}

// ExpiresSoon reports whether the certificate has to be renewed, and the day on which it
// expires.
func (c Certificate) ExpiresSoon(now time.Time) (expires string, soon bool) {
	return day(c.leaf.NotAfter), now.Add(Soon).After(c.leaf.NotAfter)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// SelfSigned reports whether no authority has signed the certificate, so that clients have
// to be told to trust it.
func (c Certificate) SelfSigned() bool { return bytes.Equal(c.leaf.RawIssuer, c.leaf.RawSubject) }

// Fingerprint returns the SHA-256 of the certificate as openssl prints it.
func (c Certificate) Fingerprint() string {
	var bytes []string
	for _, b := range sha256.Sum256(c.leaf.Raw) {
		bytes = append(bytes, fmt.Sprintf("%02X", b))
	}
	return strings.Join(bytes, ":")
}

// ServerName returns a name for which the certificate is valid: the address, if possible.
func (c Certificate) ServerName(addr netip.Addr) string {
	if c.covers(addr) || len(c.leaf.DNSNames) == 0 {
		return addr.WithZone("").String()
	}
	return strings.Replace(c.leaf.DNSNames[0], "*", "any", 1)
}

// Misses reports whether the certificate is self-signed and does not name the address on which
// a server listens, so that clients refuse to connect although they trust it. A certificate of
// an authority may name the host instead.
func (c Certificate) Misses(listen netip.Addr) bool {
	return c.SelfSigned() && !listen.IsUnspecified() && !c.covers(listen)
}

// covers reports whether the certificate is valid for a server with that address.
func (c Certificate) covers(addr netip.Addr) bool {
	return c.leaf.VerifyHostname(addr.WithZone("").String()) == nil
}
