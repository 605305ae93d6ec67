package units

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

func unchanged(*BMC, *instance.Credentials) error { return nil }

// elaborate returns a BMC with everything that an administrator can add by hand.
func elaborate(t *testing.T) Store {
	s := SystemStore(t.TempDir())
	b := newBMC("old", "[::]:623")
	b.Comment = "rack 3"
	require.NoError(t, s.Add([]BMC{b}, admin("secret"), committed))
	write(t, s, map[string]string{
		"shipmi-bmc@old.socket.d/60-mine.conf":  "[Socket]\nReceiveBuffer=1M\n",
		"shipmi-bmc@old.service.d/60-mine.conf": "[Service]\nEnvironment=VIRSH=%i\n",
	})
	dropIn := s.dropInPath(ServiceUnit("old"))
	text, err := os.ReadFile(dropIn)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dropIn, append(text, "Nice=5\n"...), 0o644))
	state := s.path(s.State[0], "old")
	require.NoError(t, os.MkdirAll(state, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(state, "state"), []byte("{}"), 0o600))
	return s
}

func TestRename(t *testing.T) {
	s := elaborate(t)
	require.NoError(t, s.Rename("old", "new", unchanged, committed, committed))
	files := tree(t, s.root)
	for path := range files {
		require.NotContains(t, path, "old")
	}
	require.Contains(t, files["/etc/systemd/system/shipmi-bmc@new.service.d/50-shipmi.conf"], "LoadCredential=users:/etc/shipmi/credentials/%i\nSlice=system-shipmi-11.slice\nNice=5\n")
	require.Contains(t, files, "/etc/systemd/system/shipmi-bmc@new.socket.d/60-mine.conf")
	require.Equal(t, "-rw------- {}", files["/var/lib/shipmi-bmc/new/state"])
	found, err := s.Find("new")
	require.NoError(t, err)
	require.Equal(t, "rack 3", found[0].Comment)
	c, err := s.Credentials("new")
	require.NoError(t, err)
	require.Equal(t, "secret", c.Users[0].Password.Reveal())
}

func TestRenameChangesAllOrNothing(t *testing.T) {
	failure := errors.New("no systemd")
	fails := func() error { return failure }
	s := elaborate(t)
	require.NoError(t, s.Add([]BMC{newBMC("other", "[::]:624")}, admin("x"), committed))
	before := tree(t, s.root)
	for want, err := range map[string]error{
		"no systemd":                 s.Rename("old", "new", unchanged, committed, fails),
		"no systemd\n":               errors.Join(s.Rename("old", "new", unchanged, fails, nil), errors.New("")),
		`BMC "other" exists already`: s.Rename("old", "other", unchanged, nil, nil),
		`no such BMC: "gone"`:        s.Rename("gone", "new", unchanged, nil, nil),
		`invalid name "../x"`:        s.Rename("old", "../x", unchanged, nil, nil),
	} {
		require.ErrorContains(t, err, want)
		require.Equal(t, before, tree(t, s.root))
	}
	require.NoError(t, os.MkdirAll(s.path(s.State[0], "new"), 0o700))
	require.ErrorContains(t, s.Rename("old", "new", unchanged, nil, nil), `/new is left over from a BMC that was called "new"`)
}

func TestCopy(t *testing.T) {
	s := elaborate(t)
	before := tree(t, s.root)
	require.ErrorIs(t, s.Copy("old", "new", unchanged, committed), ErrTaken)
	require.Equal(t, before, tree(t, s.root))

	require.NoError(t, s.Copy("old", "new", func(b *BMC, c *instance.Credentials) error {
		b.Listen = []netip.AddrPort{netip.MustParseAddrPort("[::]:624")}
		c.Kg = instance.Hide("key")
		return nil
	}, committed))
	files := tree(t, s.root)
	for path, text := range before {
		require.Equal(t, text, files[path], path)
	}
	require.Contains(t, files, "/etc/systemd/system/shipmi-bmc@new.service.d/60-mine.conf")
	require.Contains(t, files["/etc/systemd/system/shipmi-bmc@new.service.d/50-shipmi.conf"], "Nice=5\n")
	require.NotContains(t, files, "/var/lib/shipmi-bmc/new", "the event log is that of the other machine")
	c, err := s.Credentials("old")
	require.NoError(t, err)
	require.Empty(t, c.Kg.Reveal())
}

// A sandbox that the administrator switched off stays off.
func TestRenameKeepsTheSandboxLink(t *testing.T) {
	s := two(t)
	s.Sandbox = filepath.Join(s.root, "usr/share/shipmi/sandbox.conf")
	require.NoError(t, os.MkdirAll(filepath.Dir(s.Sandbox), 0o755))
	require.NoError(t, os.WriteFile(s.Sandbox, nil, 0o644))
	require.NoError(t, s.Update([]string{"a", "b"}, func(b *BMC, _ *instance.Credentials) error { b.RunAs.User = "ipmi"; return nil }, func([]Change) error { return nil }))
	link := func(name string) string { return filepath.Join(s.dropInDir(ServiceUnit(name)), sandboxName) }
	require.NoError(t, os.Remove(link("b")))
	require.NoError(t, os.Symlink("/dev/null", link("b")))
	for old, want := range map[string]string{"a": s.Sandbox, "b": "/dev/null"} {
		require.NoError(t, s.Rename(old, "new-"+old, unchanged, committed, committed))
		target, err := os.Readlink(link("new-" + old))
		require.NoError(t, err)
		require.Equal(t, want, target)
	}
}

// Drop-ins of older versions name the credential file. A copy that was made by hand names
// that of the other BMC, and a new password would have no effect.
func TestCredentialSource(t *testing.T) {
	s := two(t)
	former := "[Service]\nEnvironment=SHIPMI_PROVIDER=/p.conf\nLoadCredential=users:/etc/shipmi/credentials/a\n"
	write(t, s, map[string]string{"shipmi-bmc@a.service.d/50-shipmi.conf": former})
	setPassword := func(name string) error {
		return s.ChangeCredentials(name, func(c *instance.Credentials) error { c.Kg = instance.Hide("key"); return nil })
	}
	require.NoError(t, setPassword("a"))
	require.NoError(t, setPassword("b"))
	sources, err := s.CredentialSources("b")
	require.NoError(t, err)
	require.Equal(t, "/etc/shipmi/credentials/b", sources["b"])
	require.NoError(t, s.Update([]string{"a"}, func(b *BMC, _ *instance.Credentials) error { b.FRU.Serial = "7"; return nil }, func([]Change) error { return nil }))
	text, err := os.ReadFile(s.dropInPath(ServiceUnit("a")))
	require.NoError(t, err)
	require.NotContains(t, string(text), "credentials/a")
	require.Contains(t, string(text), "LoadCredential=users:/etc/shipmi/credentials/%i\n")

	write(t, s, map[string]string{"shipmi-bmc@b.service.d/50-shipmi.conf": former})
	err = setPassword("b")
	require.ErrorIs(t, err, ErrOtherCredentials)
	require.EqualError(t, err, "b: the BMC has the credentials of another file: /etc/shipmi/credentials/a")
	require.ErrorIs(t, s.Update([]string{"b"}, func(_ *BMC, c *instance.Credentials) error { c.Kg = instance.Hide("new"); return nil },
		func([]Change) error { return nil }), ErrOtherCredentials)
}
