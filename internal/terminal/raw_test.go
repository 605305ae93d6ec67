package terminal

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEscapes(t *testing.T) {
	for typed, want := range map[string]string{
		"ls\r":           "ls\r",
		"~.":             "<.>",
		"ls\r~.":         "ls\r<.>",
		"ls ~.\r~.rest":  "ls ~.\r<.>rest",
		"\n~B~B~?":       "\n<B><B><?>",
		"~~.\r":          "~.\r",
		"~~~.\r":         "~~.\r",
		"~x~.":           "~x~.",
		"~\r~.":          "~\r<.>",
		"cd ~\r~/bin\r~": "cd ~\r~/bin\r",
	} {
		for size := 1; size <= len(typed); size++ { // of what is read at a time
			var (
				got  strings.Builder
				keys = Escapes{Commands: ".B?"}
			)
			for all := []byte(typed); len(all) > 0; {
				part := all[:min(size, len(all))]
				all = all[len(part):]
				for len(part) > 0 {
					var (
						text    []byte
						command byte
					)
					text, command, part = keys.Next(part)
					got.Write(text)
					if command != 0 {
						got.WriteString("<" + string(command) + ">")
					}
				}
			}
			require.Equal(t, want, got.String(), "%q, %d bytes at a time", typed, size)
		}
	}
}

func TestRawNeedsATerminal(t *testing.T) {
	_, err := (&Terminal{Stdin: new(bytes.Buffer)}).Raw()
	require.ErrorIs(t, err, ErrNoTerminal)
}
