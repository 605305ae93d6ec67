package main

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// isTerminal tells whether a person is at the other end of a stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colours tells whether to print in colours, see https://no-color.org.
func (a *app) colours(w io.Writer) bool {
	return a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && isTerminal(w)
}

// paint returns a text for stderr in a colour.
func (a *app) paint(colour text.Color, s string) string {
	if !a.colours(a.stderr) {
		return s
	}
	return colour.Sprint(s)
}
