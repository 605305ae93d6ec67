// Package hint makes errors that carry advice for the user: a line of its own below the
// error that says what to do. Packages add hints where they know the remedy, and
// cmd/shipmi prints them. The package also marks errors that are the fault of the command
// line, and finds the names that a user may have mistyped. It prints nothing. Start
// reading at Add.
package hint

import (
	"errors"
	"fmt"
	"slices"
)

type advised struct {
	error
	advice string
}

func (e advised) Unwrap() error { return e.error }

// Add returns err with advice, of which fmt.Sprintf makes one line.
func Add(err error, format string, args ...any) error {
	return advised{err, fmt.Sprintf(format, args...)}
}

// Of returns the advice that err and the errors that it wraps carry, each line once.
func Of(err error) (advice []string) {
	collect(err, func(text string) {
		if !slices.Contains(advice, text) {
			advice = append(advice, text)
		}
	})
	return advice
}

func collect(err error, add func(string)) {
	if e, ok := err.(advised); ok {
		add(e.advice)
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		collect(wrapper.Unwrap(), add)
	case interface{ Unwrap() []error }:
		for _, e := range wrapper.Unwrap() {
			collect(e, add)
		}
	}
}

// ErrMisuse means that the command line itself is wrong, whatever the state of the host.
var ErrMisuse = errors.New("wrong command line")

type misuse struct{ error }

func (e misuse) Unwrap() []error { return []error{e.error, ErrMisuse} }

// Misuse returns err, with the same text, as an error that wraps ErrMisuse.
func Misuse(err error) error { return misuse{err} }
