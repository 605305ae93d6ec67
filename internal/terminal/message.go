package terminal

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// A message begins with the name of the program and the kind of message, then comes lower
// case without a full stop. An error says what failed, a hint says what to do about it.
// Success prints nothing, unless the user has to do something
// elsewhere: then it prints a note.

// Error prints each line of err, then the hints.
func (t *Terminal) Error(err error, hints []string) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(t.Stderr, t.Paint(t.Stderr, text.FgRed, "shipmi: error:"), strings.TrimSuffix(line, "\n"))
	}
	for _, hint := range hints {
		fmt.Fprintln(t.Stderr, "shipmi: hint:", hint)
	}
}

// Note prints what the user has to know after a success.
func (t *Terminal) Note(format string, args ...any) {
	fmt.Fprintln(t.Stderr, "shipmi: note:", fmt.Sprintf(format, args...))
}

// Warn prints a warning.
func (t *Terminal) Warn(format string, args ...any) {
	fmt.Fprintln(t.Stderr, t.Paint(t.Stderr, text.FgYellow, "shipmi: warning:"), fmt.Sprintf(format, args...))
}
