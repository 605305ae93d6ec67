package rmcp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPing(t *testing.T) {
	class, ping, err := ParseHeader(unhex(t, pingVector))
	require.NoError(t, err)
	require.Equal(t, ClassASF, class)

	p := requireWhole(t, ParsePing, ping)
	require.Equal(t, Ping{Tag: 0x99}, p)
	require.Equal(t, unhex(t, pongVector), p.AppendPong(nil))
	require.Equal(t, unhex(t, "c0ffee"+pongVector), p.AppendPong(unhex(t, "c0ffee")))
}

func TestParsePingRefuses(t *testing.T) {
	for name, message := range map[string]string{
		"pong":                            "000011be 40 99 00 10",
		"capabilities request":            "000011be 81 99 00 00",
		"enterprise of an OEM":            "00000157 80 99 00 00",
		"enterprise number byte-swapped":  "be110000 80 99 00 00",
		"enterprise number's upper bytes": "010011be 80 99 00 00",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePing(unhex(t, message))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

// The data of a ping is as long as its length field says. A ping has none, but more bytes do no harm.
func TestPingDataLength(t *testing.T) {
	for message, whole := range map[string]bool{
		"000011be 80 99 00 00":       true,
		"000011be 80 99 00 00 a5":    true,
		"000011be 80 99 00 02 a5 5a": true,
		"000011be 80 99 00 01":       false,
		"000011be 80 99 00 02 a5":    false,
		"000011be 80 99 00 ff a5 5a": false,
	} {
		p, err := ParsePing(unhex(t, message))
		if whole {
			require.NoError(t, err, message)
			require.Equal(t, Ping{Tag: 0x99}, p, message)
		} else {
			require.ErrorIs(t, err, ErrMalformed, message)
		}
	}
}
