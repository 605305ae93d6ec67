package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/script"
)

// A Check tries the scripts of one BMC.
type Check struct {
	Runner   script.Runner // everything but Stderr and Answered
	Timeouts instance.Timeouts
	Now      func() time.Time
	Report   func(Result) // called for each script that has ended
}

// A Result says how one script ended.
type Result struct {
	Verb   provider.Verb `json:"verb"`
	Script string        `json:"script"` // without the prelude of the provider
	Took   time.Duration `json:"took"`   // in nanoseconds
	Exit   int           `json:"exit"`   // exit status; -1: none
	Stdout string        `json:"stdout"` // of queries
	Stderr string        `json:"stderr"` // of actions also their standard output
	Error  string        `json:"error"`  // empty: it succeeded
	Code   Code          `json:"code"`   // what the client gets
	Client string        `json:"client"` // what ipmitool prints for it
}

// Run runs the scripts of the queries and, with power, those that switch the machine.
func (c *Check) Run(ctx context.Context, power bool) error {
	if err := c.Queries(ctx); err != nil || !power {
		return err
	}
	return c.Power(ctx)
}

// Queries runs every script that changes nothing.
func (c *Check) Queries(ctx context.Context) error {
	on := false
	for _, v := range []provider.Verb{provider.Status, provider.BootGet, provider.FRUGet, provider.MediaGet} {
		if !c.Runner.Provider.Has(v) {
			continue
		}
		reading, err := c.query(ctx, v)
		if err != nil {
			return err
		}
		on = on || v == provider.Status && reading.On
	}
	if err := c.sensors(ctx, on); err != nil {
		return err
	}
	c.untried()
	return nil
}

// script is the text of v to show. Preludes are long, and every script has the same.
func (c *Check) script(v provider.Verb, boot provider.Boot) string {
	return c.Runner.Provider.OwnScript(v, c.Runner.Name, c.Runner.Parameters, boot)
}

// untried reports the scripts that only a client or an event runs. They are not tried, because they may do anything.
func (c *Check) untried() {
	report := func(v provider.Verb, client string) {
		c.Report(Result{Verb: v, Script: c.script(v, provider.Boot{}), Exit: -1, Client: client + "\n(the script is not tried)"})
	}
	for _, command := range c.Runner.Provider.IPMICommands() {
		raw := fmt.Sprintf("ipmitool raw 0x%02x 0x%02x", command.NetFn, command.Cmd)
		for _, b := range command.Data {
			raw += fmt.Sprintf(" 0x%02x", b)
		}
		report(command.Verb, raw+", with the privilege "+command.Privilege)
	}
	if c.Runner.Provider.Has(provider.EventsAdded) {
		report(provider.EventsAdded, "runs when an entry was added to the event log")
	}
}

// sensors runs the script that reads the sensors, as a BMC does, if the machine is on.
func (c *Check) sensors(ctx context.Context, on bool) (err error) {
	if !c.Runner.Provider.Has(provider.SensorsGet) {
		return nil
	}
	if on {
		_, err = c.query(ctx, provider.SensorsGet)
		return err
	}
	c.Report(Result{
		Verb: provider.SensorsGet, Script: c.script(provider.SensorsGet, provider.Boot{}), Exit: -1,
		Client: sensorsText(c.Runner.Sensors(), nil) + "\n(the script runs only while the machine is on)",
	})
	return nil
}

// query runs the script of v.
func (c *Check) query(ctx context.Context, v provider.Verb) (reading machine.Reading, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeouts.Query)
	defer cancel()
	result := Result{Verb: v, Script: c.script(v, provider.Boot{}), Exit: -1}
	_, err = c.try(&result, func(r *script.Runner) error {
		r.Answered = func(printed string, exit int) { result.Stdout, result.Exit = printed, exit }
		reading = r.Query(ctx, v, provider.Args{})
		return reading.Err
	})
	if v == provider.SensorsGet {
		result.Code, result.Client = completed, sensorsText(c.Runner.Sensors(), reading.Values)
	} else {
		result.Client = queryText(v, reading, result.Code)
	}
	c.Report(result)
	return reading, err
}

// act runs the script of an action. The first error is that of the script.
func (c *Check) act(ctx context.Context, v provider.Verb, args provider.Args) (failure, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeouts.Action)
	defer cancel()
	dir, err := os.MkdirTemp("", "shipmi-check-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	log := actionlog.Log{Dir: dir}
	file, err := log.Begin(actionlog.Record{Intent: machine.Intent{Verb: v}})
	if err != nil {
		return nil, err
	}
	result := Result{Verb: v, Script: c.script(v, args.Boot), Exit: -1}
	failure, err = c.try(&result, func(r *script.Runner) error { return r.Act(ctx, v, args, file) })
	var e *provider.Error
	switch {
	case failure == nil:
		result.Exit = 0
	case errors.As(failure, &e) && e.Exit > 0:
		result.Exit = e.Exit
	}
	result.Client = actionText(v, args.Boot, result.Code)
	if result.Took > c.Timeouts.Answer && v != provider.BootSet && v != provider.Identify {
		result.Code = completed
		result.Client = fmt.Sprintf("%s (after %v, before it ended)", actionText(v, args.Boot, completed), c.Timeouts.Answer)
	}
	c.Report(result)
	return failure, err
}

// try runs a script with a file for its standard error, and fills in what queries and
// actions have in common. The first error is that of the script.
func (c *Check) try(result *Result, run func(*script.Runner) error) (failure, err error) {
	stderr, err := os.CreateTemp("", "shipmi-check-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(stderr.Name())
	r := c.Runner
	r.Stderr = func(provider.Verb) (*os.File, error) { return stderr, nil }
	began := c.Now()
	failure = run(&r)
	result.Took = c.Now().Sub(began)
	result.Code = codeOf(failure)
	if failure != nil {
		result.Error = strings.TrimPrefix(failure.Error(), string(result.Verb)+": ")
	}
	text, err := os.ReadFile(stderr.Name())
	result.Stderr = string(text)
	return failure, err
}
