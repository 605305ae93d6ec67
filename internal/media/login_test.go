package media

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogins(t *testing.T) {
	l := Logins{Dir: t.TempDir()}
	text, err := l.Text("admin", `se"cr\et'`)
	require.NoError(t, err)
	require.Equal(t, `user = "admin:se\"cr\\et'"`+"\n", text)

	name, err := l.Create(text)
	require.NoError(t, err)
	other, err := l.Create(text)
	require.NoError(t, err)
	require.NotEqual(t, name, other, "each image has a file of its own")
	info, err := os.Stat(l.Path(name))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NotContains(t, name, "cr")
	require.True(t, l.Has(name, text))
	require.False(t, l.Has(name, text+" "))
	require.False(t, l.Has("gone", text))

	names, err := l.Names()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{name, other}, names)
	l.Remove(name)
	l.Remove(name)
	names, err = l.Names()
	require.NoError(t, err)
	require.Equal(t, []string{other}, names)
	require.False(t, l.Has(name, text))

	_, err = Logins{Dir: l.Dir + "/gone"}.Create(text)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A line break would begin another option of curl.
func TestLoginsRefused(t *testing.T) {
	for _, login := range [][2]string{
		{"", "secret"}, {"a:b", "secret"}, {"admin", "a\noutput = /etc/passwd"}, {"ad\rmin", "secret"}, {"admin", "a\x00"},
		{"admin", "\xff"}, {strings.Repeat("a", 256), "x"}, {"admin", strings.Repeat("a", 256)},
	} {
		_, err := Logins{}.Text(login[0], login[1])
		require.Error(t, err, "%q", login)
		require.NotContains(t, err.Error(), "secret")
	}
}
