package units

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/instance"
)

func newBMC(name, addr string) BMC {
	b := BMC{Instance: instance.Default(), Listen: []netip.AddrPort{netip.MustParseAddrPort(addr)}}
	b.Name, b.Provider = name, "/etc/shipmi/providers/qm.conf"
	return b
}

func admin(password string) instance.Credentials {
	return instance.Credentials{Users: []instance.User{
		{ID: 2, Name: "admin", Password: instance.Hide(password), Privilege: instance.PrivilegeAdministrator},
	}}
}

func committed() error { return nil }

// all is for Delete: every BMC has been stopped.
func all(names []string) []string { return names }

// tree returns the path of everything below root, with the text of files.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var text []byte
		if !entry.IsDir() {
			text, err = os.ReadFile(path)
		}
		found[strings.TrimPrefix(path, root)] = info.Mode().String() + " " + string(text)
		return err
	}))
	return found
}

func TestAdd(t *testing.T) {
	s := SystemStore(t.TempDir())
	b := newBMC("node-0", "[fe80::1%eth0]:623")
	b.Listen = append(b.Listen, netip.MustParseAddrPort("192.0.2.1:6230"))
	b.Comment = `rack "3" \ 50%`
	b.Provider = `/p/100% "q" \.conf`
	b.Timeouts.Idle = 30 * time.Second
	require.NoError(t, s.Add([]BMC{b}, admin("secret"), committed))

	files := tree(t, s.root)
	require.Equal(t, `-rw-r--r-- # Written by "shipmi add" and "shipmi set". Settings that you add here are kept, comments
# are not. Changes take effect after "systemctl daemon-reload".
[Socket]
ListenDatagram=[fe80::1]:623%%eth0
ListenDatagram=192.0.2.1:6230
Slice=system-shipmi-30.slice
`, files["/etc/systemd/system/shipmi-bmc@node-0.socket.d/50-shipmi.conf"])
	require.Equal(t, "-rw-r--r-- rack \"3\" \\ 50%\n", files["/etc/systemd/system/shipmi-bmc@node-0.socket.d/50-shipmi.comment"])
	require.Equal(t, `-rw-r--r-- # Written by "shipmi add" and "shipmi set". Settings that you add here are kept, comments
# are not. Changes take effect after "systemctl daemon-reload".
[Service]
Environment="SHIPMI_PROVIDER=/p/100%% \"q\" \\.conf"
Environment="SHIPMI_IDLE_TIMEOUT=30s"
LoadCredential=users:/etc/shipmi/credentials/%i
Slice=system-shipmi-30.slice
`, files["/etc/systemd/system/shipmi-bmc@node-0.service.d/50-shipmi.conf"])
	require.Equal(t, `-rw------- {"users":[{"id":2,"name":"admin","password":"secret","privilege":"administrator"}]}
`, files["/etc/shipmi/credentials/node-0"])
	require.Equal(t, "drwx------ ", files["/etc/shipmi/credentials"])

	found, err := s.Find("node-0", "node-0")
	require.NoError(t, err)
	require.Equal(t, []BMC{b}, found)
	c, err := s.Credentials("node-0")
	require.NoError(t, err)
	require.Equal(t, "secret", c.Users[0].Password.Reveal())
}

func TestAddRefuses(t *testing.T) {
	tests := map[string]struct {
		b    func(*BMC)
		pass string
		want string
	}{
		"a name that is none":     {func(b *BMC) { b.Name = "../x" }, "x", `invalid name "../x"`},
		"a name that exists":      {func(b *BMC) { b.Name = "old" }, "x", `BMC "old" exists already`},
		"a long password":         {func(*BMC) {}, strings.Repeat("x", 21), "password has 21 bytes"},
		"a line break":            {func(b *BMC) { b.Comment = "a\nExecStart=/bin/sh" }, "x", `comment "a\nExecStart=/bin/sh" contains a control character`},
		"a line break in a path":  {func(b *BMC) { b.Provider = "/a\nb" }, "x", "contains a control character"},
		"no address":              {func(b *BMC) { b.Listen = nil }, "x", "no address to listen on"},
		"an address that is used": {func(b *BMC) { b.Listen[0] = netip.MustParseAddrPort("192.0.2.1:623") }, "x", `address and port are taken: "old" listens on [::]:623`},
		"an address twice": {func(b *BMC) { b.Listen = append(b.Listen, b.Listen[0]) }, "x",
			"address and port are taken: [::]:6230 lies within [::]:6230 of the same BMC"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := SystemStore(t.TempDir())
			require.NoError(t, s.Add([]BMC{newBMC("old", "[::]:623")}, admin("x"), committed))
			before := tree(t, s.root)

			b := newBMC("new", "[::]:6230")
			tt.b(&b)
			err := s.Add([]BMC{b}, admin(tt.pass), committed)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, before, tree(t, s.root))
		})
	}
}

func TestAddRollsBack(t *testing.T) {
	s := SystemStore(t.TempDir())
	override := s.path(s.Units, "shipmi-bmc@new.service.d", "override.conf")
	require.NoError(t, os.MkdirAll(filepath.Dir(override), 0o755))
	require.NoError(t, os.WriteFile(override, []byte("[Service]\nNice=5\n"), 0o644))
	before := tree(t, s.root)

	failure := errors.New("no systemd")
	require.ErrorIs(t, s.Add([]BMC{newBMC("new", "[::]:623")}, admin("x"), func() error { return failure }), failure)
	require.Equal(t, before, tree(t, s.root), "what was there before is there still")
}

// The disk is a real one, of a few pages. The further the room goes, the later
// Add fails, until it does not.
func TestAddOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	root := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", root, "tmpfs", 0, "size=64k,nr_inodes=64"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(root, 0)) })
	s := SystemStore(root)
	require.NoError(t, s.Add([]BMC{newBMC("old", "[::]:623")}, admin("x"), committed))

	free := func() uint64 {
		var stat unix.Statfs_t
		require.NoError(t, unix.Statfs(root, &stat))
		return stat.Bfree
	}
	page := make([]byte, os.Getpagesize())
	fill := filepath.Join(root, "fill")
	require.NoError(t, os.WriteFile(fill, make([]byte, int(free())*len(page)), 0o600))
	require.Zero(t, free())

	failures := 0
	for {
		before := tree(t, root)
		err := s.Add([]BMC{newBMC("new", "[::]:6230")}, admin("x"), committed)
		if err == nil {
			break
		}
		failures++
		require.ErrorIs(t, err, unix.ENOSPC)
		require.Equal(t, before, tree(t, root))

		info, err := os.Stat(fill)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(fill, info.Size()-int64(len(page))))
	}
	require.GreaterOrEqual(t, failures, 3, "each of the three files failed once")
}

func TestAddNamesTheFileThatCannotBeReplaced(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	s := SystemStore(t.TempDir())
	mounted := s.path(s.credentialsDir(), "new")
	require.NoError(t, os.MkdirAll(filepath.Dir(mounted), 0o700))
	require.NoError(t, os.WriteFile(mounted, nil, 0o600))
	require.NoError(t, unix.Mount(mounted, mounted, "", unix.MS_BIND, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(mounted, 0)) })
	require.EqualError(t, s.Add([]BMC{newBMC("new", "[::]:623")}, admin("x"), committed), "write "+mounted+": device or resource busy")
}

func TestAddOfMoreBMCsThanFilesMayBeOpen(t *testing.T) {
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	few := before
	few.Cur = 64
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before)) }()

	var bmcs []BMC
	for i := range 100 {
		bmcs = append(bmcs, newBMC(fmt.Sprintf("node-%d", i), fmt.Sprintf("192.0.2.1:%d", 6230+i)))
	}
	require.NoError(t, SystemStore(t.TempDir()).Add(bmcs, admin("secret"), committed))
}

func TestConcurrentAdds(t *testing.T) {
	s := SystemStore(t.TempDir())
	var (
		wg   sync.WaitGroup
		errs = make([]error, 20)
	)
	for i := range errs {
		wg.Go(func() {
			name := []string{"same", "other"}[i%2]
			errs[i] = s.Add([]BMC{newBMC(name, "[::]:623")}, admin("x"), committed)
		})
	}
	wg.Wait()

	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.True(t, errors.Is(err, ErrExist) || errors.Is(err, ErrTaken), err)
	}
	require.Equal(t, 1, won)
	all, err := s.List()
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestDeleteLeavesNothing(t *testing.T) {
	s := SystemStore(t.TempDir())
	require.NoError(t, os.MkdirAll(s.path(s.Units), 0o755))
	require.NoError(t, os.MkdirAll(s.path(s.Runtime), 0o755))
	require.NoError(t, os.MkdirAll(s.path(s.State[0]), 0o755))
	wants := s.path(s.Units, "sockets.target.wants")
	require.NoError(t, os.Mkdir(wants, 0o755))
	require.NoError(t, os.Symlink("/dev/null", filepath.Join(wants, "shipmi-bmc@other.socket")))
	before := tree(t, s.root)

	require.NoError(t, s.Add([]BMC{newBMC("node-0", "[::]:623")}, admin("x"), committed))
	require.NoError(t, os.Symlink("/lib/gone", filepath.Join(wants, "shipmi-bmc@node-0.socket")))
	require.NoError(t, os.Symlink("/lib/gone", filepath.Join(wants, "shipmi-bmc-restore@node-0.service")))
	for _, path := range []string{
		s.path(s.Units, "shipmi-bmc@node-0.service.d/override.conf"),
		s.path(s.Runtime, "node-0/sessions"),
		s.path(s.State[0], "node-0/boot"),
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}

	require.NoError(t, s.Delete([]string{"node-0"}, all, committed))
	require.Equal(t, before, tree(t, s.root))
	require.NoError(t, s.Delete([]string{"node-0"}, all, committed), "deleting can be repeated")
}

func TestFindNamesEveryMissingBMC(t *testing.T) {
	s := SystemStore(t.TempDir())
	require.NoError(t, s.Add([]BMC{newBMC("node-0", "[::]:623")}, admin("x"), committed))

	_, err := s.Find("node-1", "node-0", "../system", "node-1")
	require.ErrorIs(t, err, ErrNotExist)
	require.EqualError(t, err, "no such BMC: \"node-1\"\nno such BMC: \"../system\"")
}

func TestActionFiles(t *testing.T) {
	s := SystemStore(t.TempDir())
	files, err := s.ActionFiles("node-0")
	require.NoError(t, err)
	require.Empty(t, files)
	dir := s.path(s.State[0], "node-0", "actions")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "action.1"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".action.2"), nil, 0o600))
	files, err = s.ActionFiles("node-0")
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "action.1")}, files)
}
