package main

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// A descriptor is a stream of which the terminal can be asked about.
type descriptor interface{ Fd() uintptr }

// isTerminal tells whether a person is at the other end of a stream.
func isTerminal(stream any) bool {
	d, ok := stream.(descriptor)
	return ok && term.IsTerminal(int(d.Fd()))
}

// colours tells whether to print in colours, see https://no-color.org.
func (a *app) colours(w io.Writer) bool {
	kind := a.getenv("TERM")
	return a.getenv("NO_COLOR") == "" && kind != "" && kind != "dumb" && isTerminal(w)
}

// paint returns a text for stderr in a colour.
func (a *app) paint(colour text.Color, s string) string {
	if !a.colours(a.stderr) {
		return s
	}
	return colour.Sprint(s)
}
