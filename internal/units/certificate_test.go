package units

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

func withRedfish(name, ipmi, redfish string) BMC {
	b := newBMC(name, ipmi)
	b.Redfish = []netip.AddrPort{netip.MustParseAddrPort(redfish)}
	return b
}

func TestAddRedfish(t *testing.T) {
	s := SystemStore(t.TempDir())
	b := withRedfish("node-0", "192.0.2.1:443", "[fe80::1%eth0]:443")
	b.SystemUUID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	require.NoError(t, s.Add([]BMC{b}, admin("x"), committed))
	alone := withRedfish("node-1", "192.0.2.1:443", "192.0.2.1:443")
	alone.Listen = nil
	alone.Certificate = Certificate{Cert: "/100%/c:a.pem", Key: "/k.pem"}
	require.NoError(t, s.Add([]BMC{alone}, admin("x"), committed))

	files := tree(t, s.root)
	require.Contains(t, files["/etc/systemd/system/shipmi-bmc@node-0.socket.d/50-shipmi.conf"],
		"[Socket]\nListenDatagram=192.0.2.1:443\nListenStream=[fe80::1]:443%%eth0\n")
	require.Contains(t, files["/etc/systemd/system/shipmi-bmc@node-0.service.d/50-shipmi.conf"], `
Environment="SHIPMI_SYSTEM_UUID=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
LoadCredential=users:/etc/shipmi/credentials/%i
Environment="SHIPMI_TLS_CERT=/etc/shipmi/tls/cert.pem"
LoadCredential=tls.crt:/etc/shipmi/tls/cert.pem
Environment="SHIPMI_TLS_KEY=/etc/shipmi/tls/key.pem"
LoadCredential=tls.key:/etc/shipmi/tls/key.pem
`)
	require.Contains(t, files["/etc/systemd/system/shipmi-bmc@node-1.socket.d/50-shipmi.conf"], "[Socket]\nListenStream=192.0.2.1:443\n")
	require.Contains(t, files["/etc/systemd/system/shipmi-bmc@node-1.service.d/50-shipmi.conf"], "\nLoadCredential=tls.crt:/100%%/c:a.pem\n")

	all, err := s.List()
	require.NoError(t, err)
	require.Equal(t, []BMC{b, alone}, all)

	taken := withRedfish("node-2", "192.0.2.2:623", "192.0.2.1:443")
	err = s.Add([]BMC{taken}, admin("x"), committed)
	require.ErrorIs(t, err, ErrTaken)
	require.ErrorContains(t, err, `"node-1" listens on 192.0.2.1:443 (TCP)`)
}

// What an administrator added to a drop-in stays when Redfish goes.
func TestUpdateRemovesRedfish(t *testing.T) {
	s := SystemStore(t.TempDir())
	require.NoError(t, s.Add([]BMC{withRedfish("a", "[::]:623", "[::]:443")}, admin("x"), committed))
	path := s.dropInPath(ServiceUnit("a"))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, "LoadCredential=token:/root/token\n"...), 0o644))

	var changes []Change
	err = s.Update([]string{"a"}, func(b *BMC, _ *instance.Credentials) error {
		b.Redfish = nil
		return nil
	}, func(made []Change) error {
		changes = made
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []Change{{Name: "a", Listen: true, Service: true}}, changes)
	after := tree(t, s.root)
	require.NotContains(t, after["/etc/systemd/system/shipmi-bmc@a.socket.d/50-shipmi.conf"], "ListenStream")
	service := after["/etc/systemd/system/shipmi-bmc@a.service.d/50-shipmi.conf"]
	require.NotContains(t, service, "tls")
	require.Contains(t, service, "LoadCredential=token:/root/token\n")
}

func TestCopyOfRedfish(t *testing.T) {
	s := SystemStore(t.TempDir())
	old := withRedfish("a", "[::]:623", "[::]:443")
	old.Certificate = Certificate{Cert: "/c.pem", Key: "/k.pem"}
	require.NoError(t, s.Add([]BMC{old}, admin("x"), committed))
	move := func(b *BMC, _ *instance.Credentials) error {
		b.Listen[0] = netip.MustParseAddrPort("[::]:624")
		return nil
	}
	require.ErrorIs(t, s.Copy("a", "b", move, committed), ErrTaken)
	require.NoError(t, s.Copy("a", "b", func(b *BMC, c *instance.Credentials) error {
		b.Redfish[0] = netip.MustParseAddrPort("[::]:8443")
		return move(b, c)
	}, committed))

	found, err := s.Find("b")
	require.NoError(t, err)
	require.Equal(t, "[::]:8443", found[0].Redfish[0].String())
	require.Equal(t, old.Certificate, found[0].Certificate)
	require.Equal(t, "[::]:443", old.Redfish[0].String())
}

func TestHostCertificate(t *testing.T) {
	s := SystemStore(t.TempDir())
	create := func() (cert, key []byte, err error) { return []byte("C"), []byte("K"), nil }
	failure := errors.New("no randomness")
	_, err := s.AddHostCertificate(func() (cert, key []byte, err error) { return nil, nil, failure })
	require.ErrorIs(t, err, failure)
	require.Len(t, tree(t, s.root), 1)

	require.NoError(t, os.MkdirAll(s.path("/etc/shipmi/.tls-1"), 0o700))
	left, err := s.Leftovers()
	require.NoError(t, err)
	require.Equal(t, []string{s.path("/etc/shipmi/.tls-1")}, left)
	require.NoError(t, os.RemoveAll(left[0]))

	made, err := s.AddHostCertificate(create)
	require.NoError(t, err)
	require.True(t, made)
	files := tree(t, s.root)
	require.Equal(t, "drwx------ ", files["/etc/shipmi/tls"])
	require.Equal(t, "-rw------- C", files["/etc/shipmi/tls/cert.pem"])
	require.Equal(t, "-rw------- K", files["/etc/shipmi/tls/key.pem"])

	made, err = s.AddHostCertificate(func() (cert, key []byte, err error) { panic("there is one") })
	require.NoError(t, err)
	require.False(t, made)
	require.Equal(t, files, tree(t, s.root))

	require.NoError(t, os.Remove(s.path("/etc/shipmi/tls/cert.pem")))
	_, err = s.AddHostCertificate(create)
	require.EqualError(t, err, "/etc/shipmi/tls: one of cert.pem and key.pem is missing")

	require.NoError(t, os.Rename(s.path("/etc/shipmi/tls/key.pem"), s.path("/etc/shipmi/tls/old.pem")))
	_, err = s.AddHostCertificate(create)
	require.EqualError(t, err, "/etc/shipmi/tls exists already, without a certificate")

	require.NoError(t, os.Remove(s.path("/etc/shipmi/tls/old.pem")))
	made, err = s.AddHostCertificate(create)
	require.NoError(t, err)
	require.True(t, made)
	require.Equal(t, files, tree(t, s.root))
}

// Several commands at once make one certificate.
func TestHostCertificateAtOnce(t *testing.T) {
	s := SystemStore(t.TempDir())
	var made bool
	first, err := s.AddHostCertificate(func() (cert, key []byte, err error) {
		made, err = s.AddHostCertificate(func() (cert, key []byte, err error) { return []byte("C2"), []byte("K2"), nil })
		return []byte("C1"), []byte("K1"), err
	})
	require.NoError(t, err)
	require.False(t, first)
	require.True(t, made)
	files := tree(t, s.root)
	require.Equal(t, "-rw------- C2", files["/etc/shipmi/tls/cert.pem"])
	require.Equal(t, "-rw------- K2", files["/etc/shipmi/tls/key.pem"])
	require.Len(t, files, 6)
}
