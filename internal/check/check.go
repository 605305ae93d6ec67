package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Check tries the scripts of one BMC.
type Check struct {
	Runner   provider.Runner // Stderr and Answered are not used
	Timeouts instance.Timeouts
	Now      func() time.Time
	Report   func(Result) // called after each script
}

// A Result is the result of one script.
type Result struct {
	Verb   provider.Verb `json:"verb"`
	Script string        `json:"script"`
	Took   time.Duration `json:"took"`   // in nanoseconds
	Exit   int           `json:"exit"`   // exit status; -1 if there is none
	Stdout string        `json:"stdout"` // of queries
	Stderr string        `json:"stderr"` // of actions everything that they printed
	Error  string        `json:"error"`  // empty if the script succeeded
	Code   ipmi.Code     `json:"code"`   // completion code for the client
	Client string        `json:"client"` // what ipmitool prints
}

// answers are the results of queries that succeeded.
type answers struct {
	on     bool
	device provider.Device
	fru    provider.FRU
}

// Run runs the scripts of the queries and, with power, those that switch the machine.
func (c *Check) Run(ctx context.Context, power bool) error {
	if err := c.Queries(ctx); err != nil || !power {
		return err
	}
	return c.Power(ctx)
}

// Queries runs the scripts of all queries.
func (c *Check) Queries(ctx context.Context) error {
	for _, v := range []provider.Verb{provider.Status, provider.BootGet, provider.FRUGet} {
		if !c.Runner.Provider.Has(v) {
			continue
		}
		if _, _, err := c.query(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// query runs the script of v. The first error is that of the script.
func (c *Check) query(ctx context.Context, v provider.Verb) (said answers, failure, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeouts.Query)
	defer cancel()
	result := Result{Verb: v, Script: c.Runner.Script(v, provider.Boot{}), Exit: -1}
	failure, err = c.try(&result, func(r *provider.Runner) (err error) {
		r.Answered = func(printed string, exit int) { result.Stdout, result.Exit = printed, exit }
		switch v {
		case provider.Status:
			said.on, err = r.Status(ctx)
		case provider.BootGet:
			said.device, err = r.BootDevice(ctx)
		default:
			said.fru, err = r.FRU(ctx)
		}
		return err
	})
	result.Client = queryText(v, said, result.Code)
	c.Report(result)
	return said, failure, err
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
	file := filepath.Join(dir, "action")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return nil, err
	}
	result := Result{Verb: v, Script: c.Runner.Script(v, args.Boot), Exit: -1}
	failure, err = c.try(&result, func(r *provider.Runner) error { return r.Act(ctx, v, args, file) })
	var e *provider.Error
	switch {
	case failure == nil:
		result.Exit = 0
	case errors.As(failure, &e) && e.Exit > 0:
		result.Exit = e.Exit
	}
	result.Client = actionText(v, args.Boot, result.Code)
	if result.Took > c.Timeouts.Answer && v != provider.BootSet && v != provider.Identify {
		result.Code = ipmi.OK
		result.Client = fmt.Sprintf("%s (after %v, before it ended)", actionText(v, args.Boot, ipmi.OK), c.Timeouts.Answer)
	}
	c.Report(result)
	return failure, err
}

// try runs a script with a file for its standard error, and fills in what queries and
// actions have in common. The first error is that of the script.
func (c *Check) try(result *Result, run func(*provider.Runner) error) (failure, err error) {
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
	result.Code = ipmi.CodeOf(failure)
	if failure != nil {
		result.Error = strings.TrimPrefix(failure.Error(), string(result.Verb)+": ")
	}
	text, err := os.ReadFile(stderr.Name())
	result.Stderr = string(text)
	return failure, err
}
