package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/units"
)

// This file alone reads the action files of BMCs, which their processes write.

// A lastAction is the last action that a client asked a BMC for.
type lastAction struct {
	Verb   string    `json:"verb"`
	Time   time.Time `json:"time"`   // when it ended; if it is running, when it began
	Result string    `json:"result"` // "done", "running", "unknown", or why it failed
}

func (l lastAction) String() string {
	return fmt.Sprintf("%s: %s (%s)", l.Verb, l.Result, l.Time.Local().Format(time.DateTime))
}

// lastActionOf returns a lastAction, or nil if there was none since the host booted. Only
// root and the user that the BMC runs as can read it.
func (a *app) lastActionOf(b units.BMC) any {
	files, _ := a.store.ActionFiles(b.Name)
	last := actionlog.Last(files)
	if last == nil {
		return nil
	}
	l := lastAction{Verb: string(last.Verb), Time: last.Time, Result: "unknown"}
	switch {
	case last.Running:
		l.Result = "running"
	case last.Outcome != nil:
		l.Result = string(*last.Outcome)
	}
	return l
}

// checkIdle returns an error for each BMC with a script that is running. If the BMC were
// deleted, a new BMC for the same machine would not know of that script, and could run
// another one at the same time.
func (a *app) checkIdle(bmcs []units.BMC) error {
	var errs []error
	for _, b := range bmcs {
		files, err := a.store.ActionFiles(b.Name)
		errs = append(errs, err)
		for _, file := range files {
			if group := actionlog.Running(file); group != 0 {
				errs = append(errs, hint.Add(fmt.Errorf("%s: one of its scripts is still running", b.Name),
					`wait until it ends, see "shipmi logs %s", or kill it with kill -KILL -- -%d`, b.Name, group))
			}
		}
	}
	return errors.Join(errs...)
}
