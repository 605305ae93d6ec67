package bmc

import (
	"context"
	"fmt"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
)

// adopt takes over what earlier processes left: the memory of actions that have ended, and
// the scripts that still run.
func (b *BMC) adopt() error {
	left, err := b.Actions.Load()
	if err != nil {
		return fmt.Errorf("actions of an earlier process: %w", err)
	}
	for _, r := range left {
		if r.FirstEdition != nil {
			if err := b.Upgrade(&r); err != nil {
				b.Log.Error("action of an earlier process dropped", "err", err)
				b.Actions.Forget(r.Path)
				continue
			}
		}
		j := &jobs.Job{
			Intent: r.Intent, Asker: r.Asker, Cause: r.Cause, Own: len(r.Callers) == 0,
			Asked:   b.now, // whether it runs at all is not known yet
			Started: r.Began, Path: r.Path, Callers: r.Callers,
		}
		switch {
		case r.Answer != nil:
			j.Outcome, j.Ended, j.Data = r.Answer.Outcome, r.Answer.At, r.Answer.Data
			b.Jobs.Recall(j)
			b.over(j)
		case r.Promised:
			b.Log.Warn(string(j.Intent.Verb)+" waits: an earlier process promised it", about(j.Asker)...)
			b.Jobs.Requeue(j, b.now)
		default:
			b.goOn(j)
		}
	}
	return nil
}

// goOn waits for a script that an earlier process began.
func (b *BMC) goOn(j *jobs.Job) {
	script := b.Machine.Plan(j.Intent, j.Cause)
	args := script.Args(machine.Moment{Uptime: j.Started})
	j.Accept, j.Accepted, j.Yields = script.Accept, !j.Own, args.GoingDown > 0
	b.Log.Warn(string(script.Verb)+" goes on: an earlier process began it", about(j.Asker)...)
	ctx, abort := context.WithCancelCause(b.scripts)
	b.aborts[j] = abort
	b.Jobs.Adopt(j)
	left := b.limit(script.Verb) - (b.now - j.Started)
	b.workers.Go(func() {
		defer abort(nil)
		limited, cancel := context.WithTimeout(ctx, left)
		defer cancel()
		b.scriptEnded(j, script, j.Started, b.Scripts.Adopt(limited, script.Verb, j.Path))
	})
}
