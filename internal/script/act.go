package script

import (
	"cmp"
	"context"
	_ "embed"
	"os"
	"strconv"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/provider"
)

//go:embed action.sh
var actionProgram string

// Act runs the script of an action to its end. args are the arguments of those verbs that have
// some. Act closes file, so that the lock on it belongs to the action alone; from then on any
// process can wait for the end of the action with [actionlog.Wait].
//
// What args say to do before the script of the action is part of the action and of its time,
// but its failure is not a failure of the action: a former boot device is set again, and a
// guest that is shutting down is waited for. Only a boot device for one boot is not set if the
// answer of "boot get" must be remembered and cannot be written.
//
// The end of ctx has the effect that [actionlog.Wait] describes. Errors are a
// [*provider.Error].
func (r *Runner) Act(ctx context.Context, v provider.Verb, args provider.Args, file *actionlog.File) error {
	defer file.Close()
	if !r.Has(v) {
		return &provider.Error{Verb: v, Err: provider.ErrNoScript}
	}
	if file.Descriptor().Fd() == ^uintptr(0) {
		return &provider.Error{Verb: v, Err: os.ErrClosed} // the action has run already
	}
	args.Boot.Device = cmp.Or(args.Boot.Device, provider.DeviceNone)
	if err := r.start(ctx, v, args, file); err != nil {
		return &provider.Error{Verb: v, Err: err}
	}
	file.Close() // or Wait would wait for this process
	return actionlog.Wait(ctx, v, file.Path())
}

// start starts an action, unless ctx ends before its standard error can be opened.
func (r *Runner) start(ctx context.Context, v provider.Verb, args provider.Args, file *actionlog.File) error {
	type opened struct {
		file *os.File
		err  error
	}
	stderr, returned := within(ctx, func() opened {
		f, err := r.Stderr(v)
		return opened{f, err}
	})
	switch {
	case !returned:
		r.warn("action not started: its log cannot be opened", v)
		return ended(ctx)
	case stderr.err != nil:
		return stderr.err
	}
	defer stderr.file.Close()

	boot := args.Boot
	cmd := r.shell(v, args, provider.DefaultShell, actionProgram, r.Provider.Shell, v.Identifier(),
		r.Script(provider.Status, boot), r.Script(provider.On, boot), r.Script(provider.Off, boot), r.Script(v, boot),
		r.get(v, args), r.again(args.Former), strconv.Itoa(int(args.GoingDown.Seconds())))
	cmd.Stdout, cmd.Stderr = stderr.file, stderr.file
	cmd.ExtraFiles = []*os.File{file.Descriptor()}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() //nolint:errcheck // only to reap it: the action file says how it ended
	return nil
}
