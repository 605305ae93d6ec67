package script

import (
	"context"
	"log/slog"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// An owner carries out intents as package bmc does.
type owner struct {
	runner  *Runner
	machine *machine.Machine
	log     actionlog.Log
	now     machine.Moment
}

func newOwner(r *Runner, dir string) *owner {
	return &owner{
		runner:  r,
		machine: &machine.Machine{ActionLimit: time.Minute, Log: slog.New(slog.DiscardHandler)},
		log:     actionlog.Log{Dir: dir},
		now:     machine.Moment{Uptime: time.Hour},
	}
}

// act carries out an intent, and sets the former boot device again if that is due then.
func (o *owner) act(i machine.Intent) error {
	plan := o.machine.Plan(i, machine.CauseUnknown)
	file, err := o.log.Begin(actionlog.Record{Intent: i})
	if err != nil {
		return err
	}
	result := machine.Result{Moment: o.now}
	if plan.Refuse != nil {
		result.Err = plan.Refuse(o.runner.Has)
	}
	if result.Err != nil {
		return result.Err
	}
	result.Err = o.runner.Act(context.Background(), plan.Verb, plan.Args(o.now), file)
	if plan.Verb == provider.BootSet {
		former := Former{o.runner.StateDir}
		if result.Former, err = former.Read(); err != nil {
			return err
		}
		if err := former.Remove(); err != nil {
			return err
		}
	}
	plan.Then(result)
	if next, due := o.machine.RestoreBoot(o.now); due {
		_ = o.act(next)
	}
	return result.Err
}
