package bmc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/event"
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
			b.logScript(script.Verb, j.Asker, 0, machine.Reading{Err: err}, true)
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
			record = b.record(j)
			goesOn = true
		}
	})
	if !goesOn {
		return
	}
	file, err := b.open(j, record)
	if err != nil {
		b.Enter(func() {
			b.Log.Error(string(script.Verb)+" refused", "err", err)
			b.end(j, machine.Failed)
		})
		return
	}
	defer file.Close()
	begun := b.Enter(func() {
		begins := event.Event{Kind: event.Begun, Via: j.Asker.Via, Verb: script.Verb.Identifier()}
		b.Log.Info(string(script.Verb)+" begins", append(about(j.Asker), begins.Attr())...)
		b.Jobs.Begin(j, file.Path(), script.Accept && refused == nil, b.now)
	})
	switch {
	case !begun && j.Promised:
		return // the next process begins it
	case !begun:
		b.Actions.Forget(file.Path()) // the next process must not wait for an action that never began
		return
	case j.Promised:
		if err := file.Turn(record.Began); err != nil {
			b.Actions.Forget(file.Path()) // the next process must not carry out an action that has failed
			b.scriptEnded(j, script, record.Began, &provider.Error{Verb: script.Verb, Err: err})
			return
		}
	}
	if refused != nil {
		b.scriptEnded(j, script, record.Began, &provider.Error{Verb: script.Verb, Err: refused})
		return
	}
	limited, cancel := context.WithTimeout(ctx, b.limit(script.Verb))
	defer cancel()
	err = runner.Act(limited, script.Verb, args, file)
	b.scriptEnded(j, script, record.Began, err)
}

// limit is the time limit of the script of an action.
func (b *BMC) limit(v provider.Verb) time.Duration {
	switch {
	case v == provider.MediaInsert:
		return b.Media
	case v.IsCommand():
		return b.Query // clients wait for its response
	}
	return b.Action
}

// record is what the action file says of a job that begins or is promised now.
func (b *BMC) record(j *jobs.Job) actionlog.Record {
	return actionlog.Record{
		Boot: b.Machine.HostBoot, Began: b.now, Intent: j.Intent, Asker: j.Asker, Cause: j.Cause,
		Callers: slices.Clone(j.Callers),
	}
}

// open opens the action file of a job that begins.
func (b *BMC) open(j *jobs.Job, r actionlog.Record) (*actionlog.File, error) {
	if j.Promised {
		return b.Actions.Resume(j.Path)
	}
	return b.Actions.Begin(r)
}

// promise implements [jobs.Table.Promise].
func (b *BMC) promise(j *jobs.Job) {
	record := b.record(j)
	b.work(func() func() {
		path, err := b.Actions.Promise(record)
		return func() {
			if err != nil {
				b.Log.Error(string(j.Intent.Verb)+" not promised", "err", err)
			}
			b.Jobs.Promised(j, path, err, b.now)
		}
	})
}

// withdraw implements [jobs.Table.Withdraw].
func (b *BMC) withdraw(j *jobs.Job) {
	path, answer := j.Path, actionlog.Answer{Outcome: j.Outcome, At: b.now}
	b.work(func() func() {
		err := b.Actions.End(path, answer)
		if err != nil {
			b.Actions.Forget(path)
		}
		return func() {
			if err != nil {
				b.Log.Error("result not kept", "err", err)
			}
			b.Jobs.Withdrawn(j, b.now)
		}
	})
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

// scriptEnded keeps the outcome of a script: in the state, then in the action file. The action is
// not undone if the state cannot be saved.
func (b *BMC) scriptEnded(j *jobs.Job, script machine.Script, began time.Duration, err error) {
	result := machine.Result{Err: err}
	if script.Verb == provider.BootSet {
		result.Former = b.Scripts.Former()
	}
	var response []byte
	if script.Verb.IsCommand() && err == nil {
		response, err = b.responseOf(script.Verb, j.Path)
		result.Err = err
	}
	b.Enter(func() {
		b.Jobs.ScriptEnded(j)
		result.Moment, result.Accepted = b.Now(), j.Accepted
		b.noteScript(script.Verb, j.Asker, err)
		b.logScript(script.Verb, j.Asker, b.now-began, machine.Reading{Err: err}, true)
		if err == nil && script.Verb.Starts() {
			b.front.MachineStarted()
		}
		outcome, accepted := script.Then(result), j.Accepted
		j.Data = response
		b.Stored(func(err error) {
			if err != nil && script.Durable {
				outcome = machine.Failed
			}
			b.work(func() func() {
				if err == nil && result.Former.Device != "" {
					b.Scripts.ForgetFormer() // it is in the state now
				}
				if outcome.Undone() && !accepted {
					return func() { b.end(j, outcome) }
				}
				err := b.Actions.End(j.Path, actionlog.Answer{Outcome: outcome, At: result.Uptime, Data: response})
				if err != nil && outcome.Undone() {
					b.Actions.Forget(j.Path) // its clients may ask for the same again at once
				}
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

// responseOf reads the response of an IPMI command of the provider from the file of its action.
func (b *BMC) responseOf(v provider.Verb, path string) ([]byte, error) {
	said, err := b.Actions.Said(path)
	var response provider.Response
	if err == nil {
		response, err = provider.ParseResponse(said)
	}
	if err != nil {
		return nil, &provider.Error{Verb: v, Err: err}
	}
	return response.Bytes(), nil
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

// forget implements [jobs.Table.Forget]. The notes of the front about the outcome are saved first.
func (b *BMC) forget(j *jobs.Job) {
	path := j.Path
	b.Stored(func(error) {
		b.work(func() func() {
			b.Actions.Forget(path)
			return func() {}
		})
	})
}
