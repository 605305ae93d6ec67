package terminal

import "fmt"

// quickUnits is how many units systemd handles before anybody asks how far it is.
const quickUnits = 20

// Status shows what a program does at the moment, if standard error is a terminal. It
// replaces the text of the call before. An empty text erases the line.
func (t *Terminal) Status(text string) {
	switch {
	case !IsTerminal(t.Stderr):
	case text == "":
		fmt.Fprint(t.Stderr, "\r\x1b[K")
	default:
		fmt.Fprintf(t.Stderr, "\r\x1b[Kshipmi: %s", text)
	}
}

// Progress shows how many of how many units are done, if standard error is a terminal.
// The last call erases the line.
func (t *Terminal) Progress(done, all int) {
	switch {
	case all <= quickUnits || !IsTerminal(t.Stderr):
	case done < all:
		fmt.Fprintf(t.Stderr, "\rshipmi: %d of %d units", done, all)
	default:
		fmt.Fprint(t.Stderr, "\r\x1b[K")
	}
}
