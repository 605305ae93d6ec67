package provider

import (
	"errors"
	"fmt"
	"strings"
)

// The meanings of a failure, for errors.Is. The *Error of any other failure wraps the cause, or has only an exit status.
var (
	ErrNoScript    = errors.New("the provider has no such script")
	ErrState       = errors.New("not possible in the present state") // exit status 65
	ErrUnsupported = errors.New("not supported")                     // exit status 66
	ErrBusy        = errors.New("busy, try later")                   // exit status 75
	ErrTimeout     = errors.New("time limit reached, killed")
	// ErrSuperseded is a cause for canceling the context of an action: the action is killed.
	ErrSuperseded = errors.New("cut short by another action")
	ErrLost       = errors.New("killed before it left an exit status")
)

// An UnknownError is about a word of a provider file that means nothing there.
type UnknownError struct {
	What  string   // the word should be
	Word  string   // as it was written
	Known []string // the words that there are

	said bool // the message that this error is a part of has the word already
}

func unknown[T ~string](what, word string, known []T) error {
	e := &UnknownError{What: what, Word: word}
	for _, k := range known {
		e.Known = append(e.Known, string(k))
	}
	return e
}

func (e *UnknownError) Error() string {
	switch {
	case e.said:
		return "unknown " + e.What
	case len(e.Known) == 0:
		return fmt.Sprintf("unknown %s %q: there is none", e.What, e.Word)
	}
	return fmt.Sprintf("unknown %s %q: want %s", e.What, e.Word, strings.Join(e.Known, ", "))
}

var exitMeaning = map[int]error{65: ErrState, 66: ErrUnsupported, 75: ErrBusy}

// ExitError is the error of a script that ended with an exit status other than 0.
func ExitError(v Verb, exit int) *Error { return &Error{Verb: v, Exit: exit, Err: exitMeaning[exit]} }

// An Error says why a script failed.
type Error struct {
	Verb   Verb
	Exit   int    // exit status; 0 if the script left none, or printed a wrong answer
	Output string // the beginning of what a query printed; empty for actions, whose output is in the journal
	Err    error  // the meaning; nil if only the exit status is known
}

func (e *Error) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Verb))
	if e.Exit > 0 {
		fmt.Fprintf(&b, ": exit status %d", e.Exit)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Output != "" {
		fmt.Fprintf(&b, "; printed %.200q", e.Output)
	}
	return b.String()
}
