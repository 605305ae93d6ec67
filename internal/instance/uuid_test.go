package instance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseUUID(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", // RFC 9562
	} {
		got, err := ParseUUID(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"f81d4fae7dec11d0a76500a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bf66", " f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"f81d4faeD7dec-11d0-a765-00a0c91e6bf6", "K81d4fae-7dec-11d0-a765-00a0c91e6bf6",
	} {
		_, err := ParseUUID(text)
		require.ErrorContains(t, err, "want a UUID", text)
	}
}
