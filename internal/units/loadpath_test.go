package units

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The order is the one that systemd 252 and 257 have in DropInPaths.
func TestDropIns(t *testing.T) {
	s := SystemStore(t.TempDir())
	const (
		control  = "/etc/systemd/system.control/"
		etc      = "/etc/systemd/system/"
		run      = "/run/systemd/system/"
		usr      = "/usr/lib/systemd/system/"
		instance = "shipmi-bmc@node-0.service.d/"
		template = "shipmi-bmc@.service.d/"
		cut      = "shipmi-@node-0.service.d/"
		both     = "shipmi-@.service.d/"
	)
	for _, path := range []string{
		usr + "service.d/00-timeout.conf", etc + template + "60-fleet.conf", etc + instance + "50-shipmi.conf",
		run + instance + "override.conf", control + instance + "50-MemoryMax.conf", etc + template + "notes.txt",
		control + "service.d/same.conf", usr + template + "same.conf", // the type comes last
		etc + both + "p.conf", usr + instance + "p.conf", // the directory decides
		etc + template + "x.conf", run + instance + "x.conf",
		etc + both + "q.conf", etc + cut + "q.conf", // the same directory
		etc + cut + "s.conf", etc + template + "s.conf",
		etc + template + "y.conf", etc + instance + "y.conf", usr + instance + "y.conf",
		etc + "shipmi-bmc@node-1.service.d/other.conf", etc + "shipmi-bmc@.socket.d/socket.conf", etc + "shipmi-bmc@.service",
	} {
		path = s.path(path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
	}
	p, err := s.loadPath()
	require.NoError(t, err)
	got, err := p.dropIns("shipmi-bmc@node-0.service")
	require.NoError(t, err)
	var want []string
	for _, path := range []string{
		usr + "service.d/00-timeout.conf", control + instance + "50-MemoryMax.conf", etc + instance + "50-shipmi.conf",
		etc + template + "60-fleet.conf", run + instance + "override.conf", etc + both + "p.conf", etc + cut + "q.conf",
		etc + template + "s.conf", usr + template + "same.conf", etc + template + "x.conf", etc + instance + "y.conf",
	} {
		want = append(want, s.path(path))
	}
	require.Equal(t, want, got)
}

// A drop-in of the template sets something for every BMC.
func TestTemplateDropIn(t *testing.T) {
	s := SystemStore(t.TempDir())
	write(t, s, map[string]string{
		"shipmi-bmc@a.socket.d/50-shipmi.conf":  "[Socket]\nListenDatagram=[::]:623\n",
		"shipmi-bmc@a.service.d/50-shipmi.conf": service,
		"shipmi-bmc@.socket.d/override.conf":    "[Socket]\nIPAddressDeny=any\nIPAddressAllow=192.0.2.0/24\n",
		"shipmi-bmc@.service.d/override.conf":   "[Service]\nUser=ipmi\nEnvironment=KIND=%i\nLoadCredential=key:/k\n",
	})
	all, err := s.List()
	require.NoError(t, err)
	require.Len(t, all, 1, "a template is no BMC")
	require.NoError(t, all[0].Err)
	require.Equal(t, Account{User: "ipmi"}, all[0].RunAs)
	require.Equal(t, []string{"192.0.2.0/24"}, all[0].Allow)

	surroundings, err := s.Surroundings("a")
	require.NoError(t, err)
	left, err := s.Leftovers()
	require.NoError(t, err)
	require.Empty(t, left)
	require.Contains(t, surroundings, "User=ipmi")
	require.Contains(t, surroundings, "Environment=KIND=a")
	require.NotContains(t, surroundings, "LoadCredential=key:/k")
}

func TestReplaced(t *testing.T) {
	s := SystemStore(t.TempDir())
	require.Empty(t, s.Replaced())
	for _, path := range []string{
		"/usr/local/lib/systemd/system/shipmi-bmc@.socket", "/usr/lib/systemd/system/shipmi-bmc@.socket",
		"/usr/lib/systemd/system/shipmi-bmc@.service", "/usr/lib/systemd/system/ssh.service", "/usr/lib/systemd/user/shipmi-bmc@.service",
		"/usr/local/lib/systemd/user/shipmi-bmc@.service", "/etc/systemd/system/ssh.service",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(s.path(path)), 0o755))
		require.NoError(t, os.WriteFile(s.path(path), nil, 0o644))
	}
	require.Equal(t, map[string]string{
		s.path("/usr/lib/systemd/system/shipmi-bmc@.socket"): s.path("/usr/local/lib/systemd/system/shipmi-bmc@.socket"),
		s.path("/usr/lib/systemd/user/shipmi-bmc@.service"):  s.path("/usr/local/lib/systemd/user/shipmi-bmc@.service"),
	}, s.Replaced())
}
