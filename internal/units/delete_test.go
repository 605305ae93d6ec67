package units

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Files that systemctl made for a BMC would change the next BMC of that name.
func TestDeleteRemovesFilesOfSystemctl(t *testing.T) {
	s := two(t)
	for _, dir := range append([]string{s.Units}, s.Owned...) {
		require.NoError(t, os.MkdirAll(s.path(dir), 0o755))
	}
	before := tree(t, s.root)
	require.NoError(t, s.Add([]BMC{newBMC("c", "[::]:3")}, admin("x"), committed))
	written, err := s.HandWritten("c")
	require.NoError(t, err)
	require.Empty(t, written)

	byHand := []string{
		s.path(s.Units, "shipmi-bmc@c.socket.d/60-mine.conf"),          // systemctl edit
		s.path(s.Units, "shipmi-bmc@c.service"),                        // systemctl edit --full, or mask
		s.path(s.Units, "shipmi-bmc-restore@c.service"),                // systemctl mask
		s.path(s.Owned[0], "shipmi-bmc@c.service.d/50-MemoryMax.conf"), // systemctl set-property
		s.path(s.Owned[2], "shipmi-bmc@c.socket"),                      // systemctl mask --runtime
	}
	for _, path := range byHand {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.Symlink("/dev/null", path))
	}
	written, err = s.HandWritten("c")
	require.NoError(t, err)
	require.ElementsMatch(t, byHand, written)
	require.NoError(t, s.Delete([]string{"c"}, all))
	require.Equal(t, before, tree(t, s.root))
}

// Nothing is stopped if nothing can be deleted.
func TestDeleteOnAReadOnlyFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	s := two(t)
	before := tree(t, s.root)
	units := s.path(s.Units)
	require.NoError(t, unix.Mount(units, units, "", unix.MS_BIND, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(units, unix.MNT_DETACH)) })
	require.NoError(t, unix.Mount("", units, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
	stop := func([]string) []string { t.Error("a BMC was stopped"); return nil }
	require.ErrorIs(t, s.Delete([]string{"a"}, stop), unix.EROFS)
	require.Equal(t, before, tree(t, s.root))
}

// A BMC that did not stop is not deleted.
func TestDeleteOnlyWhatStopped(t *testing.T) {
	s := two(t)
	require.NoError(t, s.Delete([]string{"a", "b"}, func([]string) []string { return []string{"b"} }))
	names, err := s.Names()
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
}
