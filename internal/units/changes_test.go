package units

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestChangedSince(t *testing.T) {
	const (
		a     = "shipmi-bmc@a.socket"
		b     = "shipmi-bmc@b.socket"
		other = "shipmi-gateway.socket"
	)
	for name, tt := range map[string]struct {
		change func(path func(string) string) error
		want   []string
		gone   bool
	}{
		"nothing":              {func(func(string) string) error { return nil }, nil, false},
		"a drop-in":            {func(path func(string) string) error { return os.WriteFile(path(a+".d/50-shipmi.conf"), nil, 0o644) }, []string{a}, false},
		"a drop-in added":      {func(path func(string) string) error { return os.WriteFile(path(a+".d/60.conf"), nil, 0o644) }, []string{a}, false},
		"a drop-in gone":       {func(path func(string) string) error { return os.Remove(path(a + ".d/50-shipmi.conf")) }, []string{a}, false},
		"all drop-ins gone":    {func(path func(string) string) error { return os.RemoveAll(path(a + ".d")) }, nil, true},
		"what a link leads to": {func(path func(string) string) error { return os.WriteFile(path("../sandbox.conf"), nil, 0o644) }, []string{b}, false},
		"the template":         {func(path func(string) string) error { return os.WriteFile(path("shipmi-bmc@.socket"), nil, 0o644) }, []string{a, b}, false},
		"an older file": {func(path func(string) string) error {
			return os.Chtimes(path("shipmi-bmc@.socket"), time.Unix(0, 0), time.Unix(0, 0))
		}, []string{a, b}, false},
		"a drop-in of the template": {func(path func(string) string) error {
			return os.WriteFile(path("shipmi-bmc@.socket.d/x.conf"), nil, 0o644)
		}, []string{a, b}, false},
		"a unit file": {func(path func(string) string) error { return os.WriteFile(path("shipmi-bmc@b.socket"), nil, 0o644) }, []string{b}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := SystemStore(t.TempDir())
			path := func(name string) string { return s.path(s.Units, name) }
			for _, dir := range []string{a + ".d", b + ".d", "shipmi-bmc@.socket.d"} {
				require.NoError(t, os.MkdirAll(path(dir), 0o755))
			}
			for _, file := range []string{a + ".d/50-shipmi.conf", "shipmi-bmc@.socket.d/x.conf", "shipmi-bmc@.socket", other, "../sandbox.conf"} {
				require.NoError(t, os.WriteFile(path(file), nil, 0o644))
			}
			require.NoError(t, os.Symlink(path("../sandbox.conf"), path(b+".d/40-sandbox.conf")))
			// The kernel dates changes that are less than 10 ms apart alike.
			probe := filepath.Join(t.TempDir(), "probe")
			next := func() time.Time {
				before := changedAt(probe)
				require.Eventually(t, func() bool {
					require.NoError(t, os.WriteFile(probe, nil, 0o644))
					return changedAt(probe).After(before)
				}, time.Minute, time.Millisecond)
				return changedAt(probe)
			}
			next()
			since := next()
			next()
			require.NoError(t, tt.change(path))
			changed, gone, err := s.ChangedSince([]string{a, b, other}, since)
			require.NoError(t, err)
			require.Equal(t, tt.want, changed)
			require.Equal(t, tt.gone, gone)
		})
	}
}
