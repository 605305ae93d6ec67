package units

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToRestore(t *testing.T) {
	s := two(t)
	wants := s.path(s.Units, "sockets.target.wants")
	require.NoError(t, os.MkdirAll(wants, 0o755))
	for _, name := range []string{"a", "b", "gone"} {
		require.NoError(t, os.Symlink("/lib/x", filepath.Join(wants, SocketUnit(name))))
	}
	ask := func(name string) {
		path := s.path(s.State[0], name, "restore")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	ask("gone")
	names, err := s.ToRestore()
	require.NoError(t, err)
	require.Empty(t, names)
	ask("a")
	ask("b")
	require.NoError(t, os.Remove(filepath.Join(wants, SocketUnit("b"))))
	names, err = s.ToRestore()
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names, "b does not start at boot")

	require.NoError(t, s.MarkRestore("a"))
	require.NoError(t, s.MarkRestore("a"))
	require.FileExists(t, s.path("/run/shipmi-bmc-restore/a"))
	require.NoError(t, s.Delete([]string{"a"}, all, committed))
	require.NoFileExists(t, s.path("/run/shipmi-bmc-restore/a"))
}

// In former versions each BMC had a unit for its power restore policy, which was enabled with
// its socket. Any change removes the links that enabled these units.
func TestFormerRestoreUnits(t *testing.T) {
	s := two(t)
	require.NoError(t, s.Delete([]string{"b"}, all, committed))
	before := tree(t, s.root)
	for _, name := range []string{"a", "gone"} {
		link := s.path(s.Units, "multi-user.target.wants", formerRestoreUnit(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
		require.NoError(t, os.Symlink("/lib/gone", link))
	}
	require.NoError(t, s.Add([]BMC{newBMC("b", "[::]:2")}, admin("x"), committed))
	require.NoError(t, s.Delete([]string{"b"}, all, committed))
	require.Equal(t, before, tree(t, s.root))

	dropIn := s.path(s.Units, "shipmi-bmc-restore@a.service.d")
	require.NoError(t, os.Mkdir(dropIn, 0o755))
	left, err := s.Leftovers()
	require.NoError(t, err)
	require.Equal(t, []string{dropIn}, left)
}
