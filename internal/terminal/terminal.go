// Package terminal is the conversation with the user: colors, messages, questions that
// are answered without echo, progress, and a screen that is redrawn. It knows no command
// and no BMC. Every stream may also be a file or a pipe; then there are no colors, no
// progress and no questions. Start reading at Terminal.
package terminal

import (
	"io"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// A Terminal is the three standard streams of a program.
type Terminal struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
}

// A descriptor is a stream with a file descriptor, which may be that of a terminal.
type descriptor interface{ Fd() uintptr }

// IsTerminal reports whether stream is a terminal.
func IsTerminal(stream any) bool {
	d, ok := stream.(descriptor)
	return ok && term.IsTerminal(int(d.Fd()))
}

// Interactive reports whether all three streams are a terminal.
func (t *Terminal) Interactive() bool {
	return IsTerminal(t.Stdin) && IsTerminal(t.Stdout) && IsTerminal(t.Stderr)
}

// Width returns the width of standard output in cells, or 0 if it is no terminal.
func (t *Terminal) Width() int {
	if !IsTerminal(t.Stdout) {
		return 0
	}
	width, _, _ := term.GetSize(int(t.Stdout.(descriptor).Fd()))
	return width
}

// defaultColumns is the width of the terminals that everything once had.
const defaultColumns = 80

// Columns returns $COLUMNS, or 80 if that is no number.
func (t *Terminal) Columns() int {
	columns, err := strconv.Atoi(t.Getenv("COLUMNS"))
	if err != nil {
		return defaultColumns
	}
	return columns
}

// HasColors reports whether w shows colors, see https://no-color.org.
func (t *Terminal) HasColors(w io.Writer) bool {
	kind := t.Getenv("TERM")
	return t.Getenv("NO_COLOR") == "" && kind != "" && kind != "dumb" && IsTerminal(w)
}

// Paint returns s in a color if w shows colors.
func (t *Terminal) Paint(w io.Writer, color text.Color, s string) string {
	if !t.HasColors(w) {
		return s
	}
	return color.Sprint(s)
}
