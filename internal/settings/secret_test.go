package settings

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadSecretDropsOneLineEnd(t *testing.T) {
	for text, want := range map[string]string{
		"secret":         "secret",
		"secret\n":       "secret",
		"secret\r\n":     "secret",
		"secret\n\n":     "secret\n",
		" secret \n":     " secret ",
		"":               "",
		"two\nlines\r\n": "two\nlines",
	} {
		got, err := readSecret(strings.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, want, got, "%q", text)
	}
}
