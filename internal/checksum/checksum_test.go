package checksum

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	require.Equal(t, `{"a":1} 561bacaf`, Seal([]byte(`{"a":1}`)))
	for _, text := range []string{"", "x", `{"a":1}`} {
		line := Seal([]byte(text))
		got, err := Check(line)
		require.NoError(t, err)
		require.Equal(t, text, string(got))

		for n := range line {
			_, err := Check(line[:n])
			require.ErrorIs(t, err, ErrMismatch, "the first %d bytes", n)
		}
		for bit := range len(line) * 8 {
			damaged := []byte(line)
			damaged[bit/8] ^= 1 << (bit % 8)
			_, err := Check(string(damaged))
			require.ErrorIs(t, err, ErrMismatch, "bit %d", bit)
		}
	}
}
