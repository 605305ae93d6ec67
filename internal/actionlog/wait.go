package actionlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// Wait waits for the end of an action that this process or an earlier one began. Its error is
// that of the script, a [*provider.Error]. An action that left no exit status was killed, or
// never started: [provider.ErrLost].
//
// When the deadline of ctx is reached, or ctx is canceled because of [provider.ErrSuperseded],
// the process group of the action is killed. When ctx is canceled for another reason, Wait
// returns at once and the action goes on.
func Wait(ctx context.Context, v provider.Verb, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return &provider.Error{Verb: v, Err: err}
	}
	defer f.Close() // open until the end, so that the action can be killed even if its file is removed
	waits, err := os.Open(path)
	if err != nil {
		return &provider.Error{Verb: v, Err: err}
	}
	end := make(chan error, 1)
	go func() {
		defer waits.Close()
		end <- outcome(v, waits)
	}()

	select {
	case err := <-end:
		return err
	case <-ctx.Done():
	}
	why := "timeout"
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, provider.ErrSuperseded):
		why = "superseded"
	case !errors.Is(cause, context.DeadlineExceeded):
		return &provider.Error{Verb: v, Err: cause}
	}
	for {
		kill(f, why)
		select {
		case err := <-end:
			return err
		case <-time.After(killAgain): // the action had not written its process group yet
		}
	}
}

// killAgain is the interval at which Wait tries to kill an action.
const killAgain = 100 * time.Millisecond

// killed maps what the action file says of why an action was killed.
var killed = map[string]error{"timeout": provider.ErrTimeout, "superseded": provider.ErrSuperseded}

// outcome waits until the action file is no longer locked, and reads how the action ended.
func outcome(v provider.Verb, f *os.File) error {
	if err := flock(f, syscall.LOCK_SH); err != nil {
		return &provider.Error{Verb: v, Err: err}
	}
	text, err := contents(f)
	if err != nil {
		return &provider.Error{Verb: v, Err: err}
	}
	switch exit, err := strconv.Atoi(written(text, "exit")); {
	case err != nil:
		return &provider.Error{Verb: v, Err: cmp.Or(killed[written(text, "killed")], provider.ErrLost)}
	case exit != 0:
		return provider.ExitError(v, exit)
	default:
		return nil
	}
}

// kill ends the process group of an action that runs. The reason is written first, because this
// process may end before the next line.
func kill(f *os.File, why string) {
	if group := running(f); group != 0 {
		_, _ = fmt.Fprintf(f, "action: killed %s\n", why)
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}
