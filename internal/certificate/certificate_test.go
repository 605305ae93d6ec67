package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func created(t *testing.T, names ...string) (cert, key []byte) {
	cert, key, err := Create(names, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1%eth0")}, now)
	require.NoError(t, err)
	return cert, key
}

func TestCreate(t *testing.T) {
	cert, key := created(t, "rack-3", "rack-3.example", "", "bücher.example")
	c, err := Parse(cert, key)
	require.NoError(t, err)
	require.NoError(t, c.Check(now))
	require.True(t, c.SelfSigned())
	require.Equal(t, []string{"rack-3", "rack-3.example"}, c.leaf.DNSNames)
	require.Equal(t, "rack-3", c.leaf.Subject.CommonName)
	require.False(t, c.leaf.IsCA)
	require.True(t, c.covers(netip.MustParseAddr("192.0.2.1")))
	require.True(t, c.covers(netip.MustParseAddr("fe80::1%eth1")))
	require.False(t, c.covers(netip.MustParseAddr("192.0.2.2")))
	require.False(t, c.Misses(netip.MustParseAddr("192.0.2.1")))
	require.True(t, c.Misses(netip.MustParseAddr("192.0.2.2")))
	require.False(t, c.Misses(netip.IPv6Unspecified()), "every address")

	require.Equal(t, "192.0.2.1", c.ServerName(netip.MustParseAddr("192.0.2.1")))
	require.Equal(t, "rack-3", c.ServerName(netip.MustParseAddr("192.0.2.2")))

	// A client that has it as its only root accepts it.
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(cert))
	_, err = c.leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "rack-3.example", CurrentTime: now})
	require.NoError(t, err)

	again, _ := created(t, "rack-3")
	require.NotEqual(t, cert, again)
}

func TestLongNames(t *testing.T) {
	long := "a23456789012345678901234567890123456789012345678901234567890123.example"
	for _, names := range [][]string{{long}, nil} {
		cert, key, err := Create(names, nil, now)
		require.NoError(t, err)
		c, err := Parse(cert, key)
		require.NoError(t, err)
		require.Empty(t, c.leaf.Subject.CommonName)
		require.Equal(t, names, c.leaf.DNSNames)
	}
}

func TestTimes(t *testing.T) {
	c, err := Parse(created(t, "a"))
	require.NoError(t, err)
	require.EqualError(t, c.Check(now.Add(-2*time.Hour)), "it is not valid before 2026-11-29")
	require.NoError(t, c.Check(now.Add(-30*time.Minute)), "the clocks of clients may be behind")
	require.NoError(t, c.Check(now.AddDate(0, 0, 824)))
	require.EqualError(t, c.Check(now.AddDate(0, 0, 825)), "it expired on 2029-03-03")
	_, soon := c.ExpiresSoon(now.AddDate(0, 0, 790))
	require.False(t, soon)
	expires, soon := c.ExpiresSoon(now.AddDate(0, 0, 800))
	require.True(t, soon)
	require.Equal(t, "2029-03-03", expires)
}

func TestParseRefuses(t *testing.T) {
	cert, key := created(t, "a")
	_, other := created(t, "a")
	_, err := Parse(cert, other)
	require.EqualError(t, err, "private key does not match public key")
	for _, text := range [][]byte{nil, []byte("hello"), key, cert[:len(cert)/2]} {
		_, err := Parse(text, key)
		require.Error(t, err)
		_, err = ParsePublic(text)
		require.EqualError(t, err, "it has no certificate in PEM")
	}
	_, err = Parse(cert, nil)
	require.Error(t, err)
	_, err = ParsePublic(append(key, cert...))
	require.NoError(t, err)
}

func TestWeak(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{Subject: pkix.Name{CommonName: "a"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}
	for want, key := range map[string]crypto.Signer{
		"it is weak: its RSA key has 1024 bits, want 2048":      short,
		"it is weak: its elliptic curve has 224 bits, want 256": curve,
	} {
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
		require.NoError(t, err)
		c, err := ParsePublic(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		require.NoError(t, err)
		require.EqualError(t, c.Check(now), want)
	}
}

// The fingerprint is the one that openssl prints, and openssl trusts the certificate if it is
// its only root.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	cert, _, err := Create([]string{"rack-3"}, nil, time.Now())
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "cert.pem")
	require.NoError(t, os.WriteFile(path, cert, 0o600))
	out, err := exec.Command("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256").Output()
	require.NoError(t, err)
	c, err := ParsePublic(cert)
	require.NoError(t, err)
	require.Equal(t, "sha256 Fingerprint="+c.Fingerprint()+"\n", string(out))

	out, err = exec.Command("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "rack-3", "-CAfile", path, path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
