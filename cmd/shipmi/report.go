package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

// How the command speaks: a line begins with the name of the program and the kind
// of message, then lower case, no full stop. Errors say what failed; a hint says
// what to do about it. What succeeds says nothing.

// report prints a line for each line of err, then the hints that hang on it.
func (a *app) report(err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(a.stderr, a.paint(text.FgRed, "shipmi: error:"), strings.TrimSuffix(line, "\n"))
	}
	texts := hints(err)
	for _, general := range generalHints {
		if errors.Is(err, general.err) {
			texts = append(texts, general.text)
		}
	}
	for i, advice := range texts {
		if !slices.Contains(texts[:i], advice) {
			fmt.Fprintln(a.stderr, "shipmi: hint:", advice)
		}
	}
}

func (a *app) warn(format string, args ...any) {
	fmt.Fprintln(a.stderr, a.paint(text.FgYellow, "shipmi: warning:"), fmt.Sprintf(format, args...))
}

// A hintError is an error with advice.
type hintError struct {
	error
	text string
}

func (e hintError) Unwrap() error { return e.error }

func hint(err error, format string, args ...any) error {
	return hintError{err, fmt.Sprintf(format, args...)}
}

// generalHints belong to errors that come from below the command.
var generalHints = []struct {
	err  error
	text string
}{
	{fs.ErrPermission, `run it as root`},
	{units.ErrExist, `"shipmi show" shows it, "shipmi delete" deletes it`},
	{units.ErrNotExist, `"shipmi list" lists those that there are`},
	{systemd.ErrUnreachable, `is systemd running here? "systemctl is-system-running" tells`},
	{systemd.ErrUserUnreachable, `is the user logged in? after "loginctl enable-linger USER" his systemd runs all the time`},
	{units.ErrOverridden, `"shipmi set" changes 50-shipmi.conf only: change the others by hand, see "systemctl cat"`},
	{units.ErrTaken, `choose another --address or --port`},
}

// hints returns the advice that err and the errors that it wraps carry.
func hints(err error) []string {
	var found []string
	if advised, ok := err.(hintError); ok {
		found = append(found, advised.text)
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		found = append(found, hints(wrapper.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, e := range wrapper.Unwrap() {
			found = append(found, hints(e)...)
		}
	}
	return found
}
