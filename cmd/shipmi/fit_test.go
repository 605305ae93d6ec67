package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFit(t *testing.T) {
	for width, want := range map[int][]string{
		80: {"node-0", "running", "rack 3, top, behind the door"},
		44: {"node-0", "running", "rack 3, top, behind\nthe door"},
		34: {"node-0", "running", "rack 3,\ntop, behind\nthe door"},
		8:  {"node-0", "running", "rack 3,\ntop,\nbehind\nthe door"}, // it stays readable
	} {
		row := []string{"node-0", "running", "rack 3, top, behind the door"}
		fit([][]string{{"Name", "Status", "Comment"}, row}, width)
		require.Equal(t, want, row, "%d", width)
	}
	fit(nil, 80)
}

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
