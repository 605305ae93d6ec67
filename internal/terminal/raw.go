package terminal

import (
	"fmt"
	"strings"

	"golang.org/x/term"
)

// Raw has the terminal of standard input pass on each byte as it is typed, Ctrl-C included,
// and print what it is sent as it is. The caller must call restore in the end. The error wraps
// ErrNoTerminal if standard input is no terminal.
func (t *Terminal) Raw() (restore func(), err error) {
	if !IsTerminal(t.Stdin) {
		return nil, fmt.Errorf("%w on standard input", ErrNoTerminal)
	}
	fd := int(t.Stdin.(descriptor).Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(fd, before) }, nil
}

// Escapes finds the commands that a user of a remote terminal types for the program on this
// side: a tilde at the start of a line, and a character, as in ssh(1). Two tildes are one that
// is passed on. A tilde before any other character is passed on as well.
type Escapes struct {
	Commands string // the characters that are commands

	midLine bool
	tilde   bool
}

// Next takes what was typed. It returns the text to pass on and the command after it, or 0.
// The rest has not been taken yet.
func (e *Escapes) Next(typed []byte) (text []byte, command byte, rest []byte) {
	for i, c := range typed {
		switch {
		case !e.tilde && c == '~' && !e.midLine:
			e.tilde = true
			continue
		case e.tilde && strings.IndexByte(e.Commands, c) >= 0:
			e.tilde = false
			return text, c, typed[i+1:]
		case e.tilde && c != '~':
			text = append(text, '~')
		}
		text = append(text, c)
		e.tilde, e.midLine = false, c != '\r' && c != '\n'
	}
	return text, 0, nil
}
