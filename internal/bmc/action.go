package bmc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// start implements [jobs.Table.Start]: a worker carries the job out.
func (b *BMC) start(j *jobs.Job) {
	ctx, abort := context.WithCancelCause(b.scripts)
	b.aborts[j] = abort
	b.workers.Go(func() {
		defer abort(nil)
		b.act(ctx, j)
	})
}

// act carries a job out: it loads the provider, writes the action file, runs the script and
// keeps the outcome. The job may end at each step.
func (b *BMC) act(ctx context.Context, j *jobs.Job) {
	runner, err := b.loadFor(ctx, j)
	var script machine.Script
	var args provider.Args
	var refused error
	var record actionlog.Record
	goesOn := false
	b.Enter(func() {
		script = b.Machine.Plan(j.Intent, j.Cause)
		switch {
		case j.Abandoned():
			b.end(j, machine.Busy)
		case err != nil:
			b.Log.Error(string(script.Verb)+" failed", "err", err)
			b.end(j, machine.OutcomeOf(err))
		case !runner.Has(script.Verb):
			outcome := script.Without(b.Now())
			b.Stored(func(err error) {
				if err != nil {
					outcome = machine.Failed
				}
				b.end(j, outcome)
			})
		default:
			if script.Refuse != nil {
				refused = script.Refuse(runner.Has)
			}
			args = script.Args(b.Now())
			j.Yields = args.GoingDown > 0
			record = actionlog.Record{
				Boot: b.Machine.HostBoot, Began: b.now, Intent: j.Intent, Asker: j.Asker, Cause: j.Cause,
				Callers: slices.Clone(j.Callers),
			}
			goesOn = true
		}
	})
	if !goesOn {
		return
	}
	file, err := b.Actions.Begin(record)
	if err != nil {
		b.Enter(func() {
			b.Log.Error(string(script.Verb)+" refused", "err", err)
			b.end(j, machine.Failed)
		})
		return
	}
	defer file.Close()
	begun := b.Enter(func() {
		b.Log.Info(string(script.Verb)+" begins", about(j.Asker)...)
		b.Jobs.Begin(j, file.Path(), script.Accept && refused == nil, b.now)
	})
	if !begun {
		b.Actions.Forget(file.Path()) // the next process must not wait for what never began
		return
	}
	if refused != nil {
		b.scriptEnded(j, script, record.Began, &provider.Error{Verb: script.Verb, Err: refused})
		return
	}
	limited, cancel := context.WithTimeout(ctx, b.Action)
	defer cancel()
	err = runner.Act(limited, script.Verb, args, file)
	b.scriptEnded(j, script, record.Began, err)
}

// loadFor loads the provider for a job. A client does not wait longer for this than for the
// job itself. No client retransmits an action of the BMC itself, so such an action waits until
// the files can be read.
func (b *BMC) loadFor(ctx context.Context, j *jobs.Job) (Runner, error) {
	for {
		runner, err := b.load(ctx)
		if !j.Own || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return runner, err
		}
	}
}

func (b *BMC) load(ctx context.Context) (Runner, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Answer)
	defer cancel()
	return b.Scripts.Load(ctx)
}

// scriptEnded keeps the outcome of a script: in the state, then in the action file. That the
// state cannot be saved does not undo the action.
func (b *BMC) scriptEnded(j *jobs.Job, script machine.Script, began time.Duration, err error) {
	result := machine.Result{Err: err}
	if script.Verb == provider.BootSet {
		result.Former = b.Scripts.Former()
	}
	b.Enter(func() {
		b.Jobs.ScriptEnded(j)
		result.Moment, result.Accepted = b.Now(), j.Accepted
		b.logScript(script.Verb, j.Asker, b.now-began, machine.Reading{Err: err})
		if err == nil && script.Verb.Starts() {
			b.front.MachineStarted()
		}
		outcome := script.Then(result)
		b.Stored(func(err error) {
			if err != nil && script.Durable {
				outcome = machine.Failed
			}
			b.work(func() func() {
				if err == nil && result.Former.Device != "" {
					b.Scripts.ForgetFormer() // it is in the state now
				}
				if outcome.Undone() {
					return func() { b.end(j, outcome) }
				}
				err := b.Actions.End(j.Path, actionlog.Answer{Outcome: outcome, At: result.Uptime})
				return func() {
					if err != nil {
						b.Log.Error("result not kept", "err", err)
					}
					b.end(j, outcome)
				}
			})
		})
	})
}

func (b *BMC) end(j *jobs.Job, outcome machine.Outcome) {
	delete(b.aborts, j)
	b.Jobs.End(j, outcome, b.now)
}

// keep implements [jobs.Table.Keep].
func (b *BMC) keep(j *jobs.Job, c jobs.Caller, done func(error)) {
	path := j.Path
	b.work(func() func() {
		err := b.Actions.AddCaller(path, c)
		return func() {
			if err != nil {
				b.Log.Error("request dropped", "err", err)
			}
			done(err)
		}
	})
}

// forget implements [jobs.Table.Forget].
func (b *BMC) forget(j *jobs.Job) {
	path := j.Path
	b.work(func() func() {
		b.Actions.Forget(path)
		return func() {}
	})
}
