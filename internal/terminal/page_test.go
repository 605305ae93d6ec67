package terminal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClip(t *testing.T) {
	const eol = "\x1b[K\n"
	for _, test := range []struct {
		all           string
		width, height int
		want          string
	}{
		{"", 80, 24, eol},
		{"one\ntwo\n", 80, 24, "one" + eol + "two" + eol},
		{"one\ntwo\n", 80, 3, "one" + eol + "two" + eol},
		{"one\ntwo\nthree\n", 80, 3, "one" + eol + "… 2 lines more" + eol},
		{"one\ntwo\nthree\n", 80, 1, "one" + eol + "… 2 lines more" + eol},
		{"| node-0 | running |\n", 8, 24, "| node-0" + eol},
		{"\x1b[32mrunning\x1b[0m\n", 3, 24, "\x1b[32mrun\x1b[0m" + eol},
	} {
		require.Equal(t, test.want, clip(test.all, test.width, test.height), "%q in %dx%d", test.all, test.width, test.height)
	}
}
