package rmcp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		header string
		class  Class
	}{
		"IPMI":                       {"06 00 ff 07", ClassIPMI},
		"ASF":                        {"06 00 ff 06", ClassASF},
		"OEM":                        {"06 00 ff 08", 0x08},
		"sequence number":            {"06 00 00 07", ClassIPMI},
		"reserved byte set":          {"06 55 ff 07", ClassIPMI},
		"reserved bits of the class": {"06 00 ff 67", ClassIPMI},
	} {
		t.Run(name, func(t *testing.T) {
			class, rest, err := ParseHeader(unhex(t, tt.header+"a1a2"))
			require.NoError(t, err)
			require.Equal(t, tt.class, class)
			require.Equal(t, []byte{0xA1, 0xA2}, rest)
		})
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	for name, header := range map[string]string{
		"nothing":         "",
		"three bytes":     "06 00 ff",
		"version 0":       "00 00 ff 07",
		"version 5":       "05 00 ff 07",
		"version 7":       "07 00 ff 07",
		"acknowledge":     "06 00 ff 87",
		"ASF acknowledge": "06 00 05 86",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ParseHeader(unhex(t, header))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

// requireWhole parses b, and checks that no shorter prefix of b parses.
func requireWhole[T any](t *testing.T, parse func([]byte) (T, error), b []byte) T {
	t.Helper()
	for n := range b {
		_, err := parse(b[:n])
		require.ErrorIs(t, err, ErrMalformed, "%d bytes", n)
	}
	v, err := parse(b)
	require.NoError(t, err)
	return v
}
