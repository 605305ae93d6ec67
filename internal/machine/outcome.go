package machine

import (
	"context"
	"errors"

	"github.com/shipmi/shipmi/internal/provider"
)

// An Outcome says what became of an intent. Each front has a table that translates it
// into the protocol's codes. The words are those of the action file.
type Outcome string

// The outcomes.
const (
	Done        Outcome = "done"
	Accepted    Outcome = "accepted"    // the script runs, and the client need not wait for its end
	Busy        Outcome = "busy"        // nothing was done, the same may be tried again
	WrongState  Outcome = "wrong state" // nothing was done: not possible while the managed system is as it is
	Unsupported Outcome = "unsupported" // nothing was done: the provider cannot do it for these values
	Unavailable Outcome = "unavailable" // nothing was done: the provider has no script for it
	Superseded  Outcome = "superseded"  // cut short by another action
	TimedOut    Outcome = "timed out"
	Failed      Outcome = "failed"
)

var outcomes = []struct {
	err     error
	outcome Outcome
}{
	{provider.ErrTimeout, TimedOut},
	{context.DeadlineExceeded, TimedOut}, // the provider's files could not be read in time
	{provider.ErrBusy, Busy},
	{provider.ErrState, WrongState},
	{provider.ErrUnsupported, Unsupported},
	{provider.ErrNoScript, Unavailable},
	{provider.ErrSuperseded, Superseded},
}

// OutcomeOf says what an error of a script means; nil is [Done].
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Done
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.outcome
		}
	}
	return Failed
}

// Undone reports whether nothing was done, so that a client may try the same again at
// once.
func (o Outcome) Undone() bool {
	return o == Busy || o == WrongState || o == Unsupported || o == Unavailable
}

// harmless reports whether the managed system is as it was, or as a later action wants
// it: there is no fault to show.
func (o Outcome) harmless() bool { return o.Undone() || o == Superseded }
