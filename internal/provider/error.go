package provider

import (
	"errors"
	"fmt"
	"strings"
)

// What a failure means, for errors.Is. A script that fails in any other way gives an *Error that is none of these.
var (
	ErrNoScript    = errors.New("the provider has no such script")
	ErrState       = errors.New("not possible in the present state") // exit status 65
	ErrUnsupported = errors.New("not supported")                     // exit status 66
	ErrBusy        = errors.New("busy, try later")                   // exit status 75
	ErrTimeout     = errors.New("time limit reached, killed")
	// ErrSuperseded is a cause with which a context may be cancelled that runs an action: it is killed.
	ErrSuperseded = errors.New("cut short by another action")
	ErrLost       = errors.New("killed before it left an exit status")
)

var exitMeaning = map[int]error{65: ErrState, 66: ErrUnsupported, 75: ErrBusy}

// An Error says why a script did not do what it was run for.
type Error struct {
	Verb   Verb
	Exit   int    // exit status; 0 if it left none, or an answer that is no good
	Output string // the beginning of what a query printed; empty for actions, whose output is in the journal
	Err    error  // the meaning, nil if there is none but the exit status
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
