package instance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConsoleSettings(t *testing.T) {
	var c Console
	require.Equal(t, "watched yes", c.Get("log")+" "+c.Get("replay"))
	require.NoError(t, c.Set("log", "always"))
	require.NoError(t, c.Set("replay", "no"))
	require.Equal(t, Console{LogAlways: true, NoReplay: true}, c)
	require.Equal(t, "always no", c.Get("log")+" "+c.Get("replay"))
	require.EqualError(t, c.Set("log", "no"), `"no": want watched or always`)
	require.EqualError(t, c.Set("color", "no"), `"color": want log or replay`)
	require.Empty(t, c.Get("color"))
	require.NoError(t, c.Set("log", ""))
	require.NoError(t, c.Set("replay", "yes"))
	require.Zero(t, c)
}

func TestAdvertise(t *testing.T) {
	for _, text := range []string{"", ":6230", "192.0.2.1:623", "[2001:db8::1]:65535"} {
		a, err := ParseAdvertise(text)
		require.NoError(t, err, text)
		require.Equal(t, text, FormatAdvertise(a))
	}
	for _, text := range []string{
		"623", ":0", ":65536", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "2001:db8::1:623", "bmc:623", "0.0.0.0:623",
		"[fe80::1%eth0]:623", "224.0.0.1:623",
	} {
		_, err := ParseAdvertise(text)
		require.ErrorContains(t, err, "want a port", text)
	}
}
