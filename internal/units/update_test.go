package units

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

// two BMCs, of which the second has a drop-in made by hand.
func two(t *testing.T) Store {
	s := SystemStore(t.TempDir())
	require.NoError(t, s.Add([]BMC{newBMC("a", "[::]:1"), newBMC("b", "[::]:2")}, admin("x"), committed))
	write(t, s, map[string]string{"shipmi-bmc@b.socket.d/60-mine.conf": "[Socket]\nReceiveBuffer=1M\n"})
	return s
}

func move(b *BMC, port uint16) {
	b.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), port)}
}

// Ports change hands: what counts is who has which in the end.
func TestUpdateSwapsPorts(t *testing.T) {
	s := two(t)
	var changes []Change
	err := s.Update([]string{"a", "b"}, func(b *BMC, c *instance.Credentials) error {
		move(b, 3-b.Listen[0].Port())
		if b.Name == "b" {
			b.Provider = "/p.conf"
			c.Kg = instance.Hide("key")
		}
		return nil
	}, func(made []Change) error { changes = made; return nil })
	require.NoError(t, err)
	require.Equal(t, []Change{{Name: "a", Listen: true}, {Name: "b", Listen: true, Service: true, Credentials: true}}, changes)

	after, err := s.List()
	require.NoError(t, err)
	require.Equal(t, uint16(2), after[0].Listen[0].Port())
	require.Equal(t, uint16(1), after[1].Listen[0].Port())
	require.Equal(t, "/p.conf", after[1].Provider)
	c, err := s.Credentials("b")
	require.NoError(t, err)
	require.Equal(t, "key", c.Kg.Reveal())
}

// Nothing is touched where nothing is different.
func TestUpdateOfNothing(t *testing.T) {
	s := two(t)
	before := tree(t, s.root)
	err := s.Update([]string{"a", "b"}, func(b *BMC, _ *instance.Credentials) error { b.Comment = ""; return nil }, func(made []Change) error {
		require.Empty(t, made)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, before, tree(t, s.root))
}

func TestUpdateChangesAllOrNothing(t *testing.T) {
	failure := errors.New("no systemd")
	tests := map[string]struct {
		prepare func(s Store)
		change  func(*BMC, *instance.Credentials) error
		commit  error
		want    string
	}{
		"refused":          {change: func(b *BMC, _ *instance.Credentials) error { move(b, 7); return failure }, want: "no systemd"},
		"not valid":        {change: func(_ *BMC, c *instance.Credentials) error { c.Users = nil; return nil }, want: "no user"},
		"the same port":    {change: func(b *BMC, _ *instance.Credentials) error { move(b, 7); return nil }, want: `"a" listens on [::]:7`},
		"a line break":     {change: func(b *BMC, _ *instance.Credentials) error { b.Comment = "a\nb"; return nil }, want: "control character"},
		"not committed":    {change: func(b *BMC, _ *instance.Credentials) error { b.Comment = "new"; return nil }, commit: failure, want: "no systemd"},
		"sandbox is gone":  {change: func(b *BMC, _ *instance.Credentials) error { b.RunAs.User = "ipmi"; return nil }, want: "sandbox of ipmi"},
		"credentials gone": {prepare: func(s Store) { _ = os.Remove(s.path(s.credentialsDir(), "b")) }, change: func(*BMC, *instance.Credentials) error { return nil }, want: "b: open "},
		"said otherwise": {
			prepare: func(s Store) {
				_ = os.WriteFile(filepath.Join(s.dropInDir(ServiceUnit("b")), "60-mine.conf"), []byte("[Service]\nEnvironment=SHIPMI_FRU_SERIAL=mine\n"), 0o644)
			},
			change: func(b *BMC, _ *instance.Credentials) error { b.FRU.Serial = "new"; return nil },
			want:   "shipmi-bmc@b.service: another drop-in overrides this setting",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := two(t)
			if tt.prepare != nil {
				tt.prepare(s)
			}
			before := tree(t, s.root)
			err := s.Update([]string{"a", "b"}, tt.change, func([]Change) error { return tt.commit })
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, before, tree(t, s.root))
		})
	}
}

// Every update starts from what the one before it has written.
func TestUpdatesAreNotLost(t *testing.T) {
	s := two(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			require.NoError(t, s.Update([]string{"a"}, func(b *BMC, c *instance.Credentials) error {
				b.Comment += "x"
				c.Kg = instance.Hide(c.Kg.Reveal() + "y")
				return nil
			}, func([]Change) error { return nil }))
		})
	}
	wg.Wait()
	found, err := s.Find("a")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("x", 20), found[0].Comment)
	c, err := s.Credentials("a")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("y", 20), c.Kg.Reveal())
	require.ErrorIs(t, s.Update([]string{"a", "c"}, nil, nil), ErrNotExist)
}

func TestNaturalOrder(t *testing.T) {
	s := SystemStore(t.TempDir())
	for i, name := range []string{"n10", "n2", "N3", "n02", "a"} {
		require.NoError(t, s.Add([]BMC{newBMC(name, fmt.Sprintf("[::]:%d", i+1))}, admin("x"), committed))
	}
	names, err := s.Names()
	require.NoError(t, err)
	require.Equal(t, []string{"N3", "a", "n02", "n2", "n10"}, names)
	found, err := s.Find("n*")
	require.NoError(t, err)
	require.Equal(t, "n10", found[2].Name)
}

// A link that comes with a setting goes with it, and comes back when that fails.
func TestUpdateTakesTheSandboxBack(t *testing.T) {
	s := two(t)
	s.Sandbox = filepath.Join(s.root, "sandbox.conf")
	require.NoError(t, os.WriteFile(s.Sandbox, nil, 0o644))
	runAs := func(user string) func(*BMC, *instance.Credentials) error {
		return func(b *BMC, _ *instance.Credentials) error { b.RunAs.User = user; return nil }
	}
	link := filepath.Join(s.dropInDir(ServiceUnit("a")), sandboxName)
	done := func([]Change) error { return nil }

	require.NoError(t, s.Update([]string{"a", "b"}, runAs("ipmi"), done))
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, s.Sandbox, target)

	before := tree(t, s.root)
	require.Error(t, s.Update([]string{"a", "b"}, runAs(""), func([]Change) error { return errors.New("no systemd") }))
	require.Equal(t, before, tree(t, s.root))
	require.NoError(t, s.Update([]string{"a", "b"}, runAs(""), done))
	require.NoFileExists(t, link)
}

func TestFindPatterns(t *testing.T) {
	s := two(t)
	for pattern, want := range map[string]int{"a": 1, "*": 2, "[ab]": 2, "?": 2, "b*": 1} {
		found, err := s.Find(pattern, pattern)
		require.NoError(t, err)
		require.Len(t, found, want, pattern)
	}
	_, err := s.Find("*", "x*")
	require.ErrorIs(t, err, ErrNotExist)
	require.EqualError(t, err, `no such BMC: "x*"`)
}

func TestEnabled(t *testing.T) {
	s := two(t)
	wants := s.path(s.Units, "sockets.target.wants")
	require.NoError(t, os.Mkdir(wants, 0o755))
	require.NoError(t, os.Symlink("/gone", filepath.Join(wants, SocketUnit("b"))))
	enabled, err := s.Enabled()
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"b": true}, enabled)
}

func TestUserStore(t *testing.T) {
	none := map[string]string{"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/7"}
	s, err := UserStore(func(name string) string { return none[name] })
	require.NoError(t, err)
	require.Equal(t, []string{"/home/ada/.config", "/home/ada/.local/state", "/run/user/7"}, []string{s.specifiers['E'], s.specifiers['S'], s.specifiers['t']})
	s.specifiers = nil
	require.Equal(t, Store{
		Units: "/home/ada/.config/systemd/user",
		LoadPath: []string{
			"/home/ada/.config/systemd/user.control", "/run/user/7/systemd/user.control",
			"/home/ada/.config/systemd/user", "/etc/systemd/user",
			"/run/user/7/systemd/user", "/run/systemd/user", "/home/ada/.local/share/systemd/user",
			"/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
		},
		Slice:   "app",
		Config:  "/home/ada/.config/shipmi",
		Runtime: "/run/user/7/shipmi-bmc",
		State:   []string{"/home/ada/.local/state/shipmi-bmc", "/home/ada/.config/shipmi-bmc"},
		Owned:   []string{"/home/ada/.config/systemd/user.control", "/run/user/7/systemd/user.control", "/run/user/7/systemd/user"},
	}, s)

	own := map[string]string{"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/7", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}
	s, err = UserStore(func(name string) string { return own[name] })
	require.NoError(t, err)
	require.Equal(t, []string{"/c/systemd/user", "/c/shipmi", "/s/shipmi-bmc"}, []string{s.Units, s.Config, s.State[0]})
	_, err = UserStore(func(string) string { return "" })
	require.EqualError(t, err, "HOME is not set")
}
