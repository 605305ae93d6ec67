package units

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

// A comment that a former version wrote into the drop-in of the socket stays there until
// something else changes in the drop-in. A new comment leaves the drop-in as it is, so that
// systemd need not read it again.
func TestFormerComment(t *testing.T) {
	s := two(t)
	dropIn := "[Socket]\nListenDatagram=7\n[X-ShIPMI]\nComment=\"rack 3\"\n"
	write(t, s, map[string]string{"shipmi-bmc@a.socket.d/50-shipmi.conf": dropIn})
	comment := func() string {
		found, err := s.Find("a")
		require.NoError(t, err)
		require.NoError(t, found[0].Err)
		return found[0].Comment
	}
	text := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(s.dropInDir(SocketUnit("a")), name))
		return string(text)
	}
	change := func(edit func(*BMC)) (made []Change) {
		require.NoError(t, s.Update([]string{"a"},
			func(b *BMC, _ *instance.Credentials) error { edit(b); return nil },
			func(changes []Change) error { made = changes; return nil }))
		return made
	}
	require.Equal(t, "rack 3", comment())

	made := change(func(b *BMC) { b.Comment = "rack 4" })
	require.False(t, made[0].NeedsReload())
	require.Equal(t, "rack 4", comment())
	require.Equal(t, dropIn, text(dropInName))
	change(func(b *BMC) { b.Comment = "" })
	require.Empty(t, comment())

	require.NoError(t, os.Remove(filepath.Join(s.dropInDir(SocketUnit("a")), commentName)))
	require.Equal(t, "rack 3", comment())
	made = change(func(b *BMC) { move(b, 8) })
	require.True(t, made[0].NeedsReload())
	require.Equal(t, "rack 3", comment())
	require.Equal(t, "rack 3\n", text(commentName))
	require.NotContains(t, text(dropInName), "rack")

	write(t, s, map[string]string{"shipmi-bmc@a.socket.d/50-shipmi.comment": "a\tb\n"})
	found, err := s.Find("a")
	require.NoError(t, err)
	require.ErrorContains(t, found[0].Err, `50-shipmi.comment: "a\tb" contains a control character`)
}
