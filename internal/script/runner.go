// Package script runs the scripts of a provider. A query prints its answer and is killed when
// the context of its caller ends. An action (power on, boot set, …) continues when the process
// that started it dies, and the next process waits for it with package actionlog.
//
// The package knows neither IPMI nor sessions. The caller decides who may run what, how long a
// script may take, and where its standard error goes.
//
// Start reading at [Runner.Query] for queries, and at [Runner.Act] with action.sh for actions.
// A [Loader] makes a Runner from a provider file.
package script

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Runner runs the scripts of one provider for one BMC. It is safe for concurrent use.
type Runner struct {
	Provider *provider.Provider
	Name     string   // of the BMC, checked by the caller; replaces %(name)s
	StateDir string   // where scripts may keep files, as SHIPMI_STATE_DIRECTORY
	Environ  []string // as os.Environ returns it; variables for the BMC process alone are removed

	// Parameters are what [provider.Provider.Values] returns; a value replaces %(PARAMETER)s.
	Parameters map[string]string

	// Media is the rule for the URL of an image, which whoever fetches the image applies to
	// redirects too. Logins are the files with the logins of image servers.
	Media  media.Rule
	Logins media.Logins
	Fetch  string // path of the program that fetches images

	// Stderr opens what the script of a verb may write to, besides the answer of a query. The
	// Runner closes it.
	Stderr func(provider.Verb) (*os.File, error)

	// Answered, if it is set, is called with what a query printed (the beginning of it) and its
	// exit status, -1 if it left none. It is not called for a query that is left behind.
	Answered func(printed string, exit int)

	Log *slog.Logger // nil: nothing is logged
}

// Has reports whether the provider can do v.
func (r *Runner) Has(v provider.Verb) bool { return r.Provider.Has(v) }

// Sensors are those that the provider has.
func (r *Runner) Sensors() provider.Sensors { return r.Provider.Sensors() }

// Script is the text of v for the shell; empty if there is none.
func (r *Runner) Script(v provider.Verb, boot provider.Boot) string {
	return r.Provider.Script(v, r.Name, r.Parameters, boot)
}

// shell prepares a program of a shell, the interpreter, that runs in the directory of the provider file, in a process
// group of its own that is killed when ctx ends, with empty standard input.
func (r *Runner) shell(v provider.Verb, args provider.Args, interpreter, program string, words ...string) *exec.Cmd {
	cmd := exec.Command(interpreter, append([]string{"-c", program}, words...)...)
	cmd.Dir = filepath.Dir(r.Provider.Path)
	cmd.Env = r.environ(v, args)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (r *Runner) warn(message string, v provider.Verb) {
	if r.Log != nil {
		r.Log.Warn(message, "verb", v)
	}
}

// killGrace is how long a query that was killed may take to end, before it is left behind. It is
// longer than pipeGrace.
const killGrace = 500 * time.Millisecond

// within runs f and returns its result. If f has not returned when ctx has ended and
// killGrace has passed, f is left behind and returned is false.
func within[T any](ctx context.Context, f func() T) (result T, returned bool) {
	results := make(chan T, 1)
	go func() { results <- f() }()
	select {
	case result = <-results:
		return result, true
	case <-ctx.Done():
	}
	select {
	case result = <-results:
		return result, true
	case <-time.After(killGrace):
		return result, false
	}
}

// ended is the error of a script whose context has ended.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return provider.ErrTimeout
	}
	return context.Cause(ctx)
}
