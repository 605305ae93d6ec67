package units

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	writtenFor := func(name string) []string {
		h, err := s.ByHand()
		require.NoError(t, err)
		files, err := h.Files(Units(name))
		require.NoError(t, err)
		return files
	}
	written := writtenFor("c")
	require.Empty(t, written)

	isFormer := func(path string) bool { return strings.Contains(path, "shipmi-bmc-restore@") }
	byHand := []string{
		s.path(s.Units, "shipmi-bmc@c.socket.d/60-mine.conf"),          // systemctl edit
		s.path(s.Units, "shipmi-bmc@c.service"),                        // systemctl edit --full, or mask
		s.path(s.Units, "shipmi-bmc-restore@c.service"),                // systemctl mask, in a former version
		s.path(s.Owned[0], "shipmi-bmc@c.service.d/50-MemoryMax.conf"), // systemctl set-property
		s.path(s.Owned[2], "shipmi-bmc@c.socket"),                      // systemctl mask --runtime
	}
	for _, path := range byHand {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.Symlink("/dev/null", path))
	}
	written = writtenFor("c")
	require.ElementsMatch(t, slices.DeleteFunc(slices.Clone(byHand), isFormer), written)
	require.NoError(t, s.Delete([]string{"c"}, all, committed))
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
	require.ErrorIs(t, s.Delete([]string{"a"}, stop, committed), unix.EROFS)
	require.Equal(t, before, tree(t, s.root))
}

// A BMC that did not stop is not deleted.
func TestDeleteOnlyWhatStopped(t *testing.T) {
	s := two(t)
	require.NoError(t, s.Delete([]string{"a", "b"}, func([]string) []string { return []string{"b"} }, committed))
	names, err := s.Names()
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
}

// The links for the guest's socket were left.
func TestDeleteRemovesAllLinks(t *testing.T) {
	s := two(t)
	before := tree(t, s.root)
	require.NoError(t, s.Add([]BMC{newBMC("c", "[::]:3")}, admin("x"), committed))
	for _, unit := range Units("c") {
		for _, dir := range []string{"multi-user.target.wants", "multi-user.target.requires"} {
			require.NoError(t, os.MkdirAll(s.path(s.Units, dir), 0o755))
			require.NoError(t, os.Symlink("/lib/x", s.path(s.Units, dir, unit)))
		}
	}
	require.NoError(t, s.Delete([]string{"c"}, all, committed))
	for _, dir := range []string{"multi-user.target.wants", "multi-user.target.requires"} {
		require.NoError(t, os.Remove(s.path(s.Units, dir)), "it is empty")
	}
	require.Equal(t, before, tree(t, s.root))
}

// Disable takes away what "systemctl enable" made, and leaves other BMCs and other units alone.
func TestDisable(t *testing.T) {
	s := two(t)
	wants := s.path(s.Units, "sockets.target.wants")
	require.NoError(t, os.Mkdir(wants, 0o755))
	for _, unit := range []string{SocketUnit("a"), SocketUnit("b"), ServiceUnit("a"), "sshd.socket"} {
		require.NoError(t, os.Symlink("/dev/null", filepath.Join(wants, unit)))
	}
	require.NoError(t, s.Disable([]string{"a", "gone"}))
	enabled, err := s.Enabled()
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"b": true}, enabled)
	require.NotContains(t, tree(t, wants), "/"+SocketUnit("a"))
	require.Len(t, tree(t, wants), 4, "the directory, and the other links")
	require.NoError(t, s.Disable([]string{"a"}))
}

// systemd complained of each socket: "Unit has no Listen setting".
func TestDeleteHasSystemdForgetUnitsWhileTheirFilesAreThere(t *testing.T) {
	s := two(t)
	wants := s.path(s.Units, "sockets.target.wants")
	require.NoError(t, os.Mkdir(wants, 0o755))
	for _, name := range []string{"a", "b"} {
		require.NoError(t, os.Symlink("/dev/null", filepath.Join(wants, SocketUnit(name))))
	}
	reloads := 0
	reload := func() error {
		reloads++
		require.Len(t, tree(t, wants), 2, "the directory, and the link of the other BMC")
		names, err := s.Names()
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, names)
		return nil
	}
	require.NoError(t, s.Delete([]string{"a"}, all, reload))
	require.Equal(t, 1, reloads)

	before := tree(t, s.root)
	refused := errors.New("refused")
	require.ErrorIs(t, s.Delete([]string{"b"}, all, func() error { return refused }), refused)
	require.Equal(t, before, tree(t, s.root))
}
