package units

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ShIPMI knows its own lines from those that an administrator added to the same file.
func TestAddedByHand(t *testing.T) {
	s := two(t)
	addedTo := func() (added [][]string) {
		h, err := s.ByHand()
		require.NoError(t, err)
		bmcs, err := s.List()
		require.NoError(t, err)
		for _, b := range bmcs {
			paths, err := h.Added(b)
			require.NoError(t, err)
			added = append(added, paths)
		}
		return added
	}
	require.Equal(t, [][]string{nil, nil}, addedTo())

	path := s.dropInPath(ServiceUnit("b"))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "[Service]\n", "[Service]\nNice=5\n", 1)), 0o644))
	require.Equal(t, [][]string{nil, {path}}, addedTo())
}

// Drop-ins of a package, and those of all services, are not the administrator's.
func TestSharedByHand(t *testing.T) {
	s := two(t)
	write(t, s, map[string]string{
		"../../../usr/lib/systemd/system/shipmi-bmc@.service":                   "",
		"../../../usr/lib/systemd/system/shipmi-bmc@.service.d/10-package.conf": "",
		"service.d/60-all.conf": "",
	})
	shared := func() []string {
		h, err := s.ByHand()
		require.NoError(t, err)
		paths, err := h.Shared()
		require.NoError(t, err)
		return paths
	}
	require.Empty(t, shared())

	write(t, s, map[string]string{
		"shipmi-bmc@.service":                                            "", // systemctl edit --full
		"shipmi-bmc@.service.d/60-proxy.conf":                            "",
		"../../../run/systemd/system/shipmi-bmc@.socket.d/override.conf": "", // systemctl edit --runtime
	})
	require.Equal(t, []string{
		s.path("/etc/systemd/system/shipmi-bmc@.service"),
		s.path("/etc/systemd/system/shipmi-bmc@.service.d/60-proxy.conf"),
		s.path("/run/systemd/system/shipmi-bmc@.socket.d/override.conf"),
	}, shared())
}
