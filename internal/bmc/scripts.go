package bmc

import (
	"context"
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// Scripts runs the scripts of the provider that the BMC is configured with, as
// the file says them at the time.
type Scripts struct {
	File   string            // the provider file
	Dirs   []string          // where it may include others from, see provider.Load
	Given  map[string]string // parameters of the provider, as far as they were set
	Runner provider.Runner   // all but its Provider and its Parameters
	Query  time.Duration     // time limit of a query
	Action time.Duration     // and of an action

	last    *provider.Runner // of the provider as it was read last
	reading chan reading     // nil: nothing is being read
}

type reading struct {
	runner *provider.Runner
	err    error
}

// look returns what runs the scripts of the provider as its files are now. Where they
// cannot be read before ctx ends, it returns without; what reads them goes on, and
// the next look waits for its end before it begins anew.
func (s *Scripts) look(ctx context.Context) (*provider.Runner, error) {
	for {
		begins := s.reading == nil
		if begins {
			result := make(chan reading, 1)
			go func(last *provider.Runner) { result <- s.read(last) }(s.last)
			s.reading = result
		}
		select {
		case r := <-s.reading:
			s.reading = nil
			if begins {
				s.last = r.runner
				return r.runner, r.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("provider file: %s cannot be read: %w", s.File, ctx.Err())
		}
	}
}

// read reads the provider, if a file of it has changed.
func (s *Scripts) read(last *provider.Runner) reading {
	if last != nil && !last.Provider.Changed() {
		return reading{runner: last}
	}
	p, err := provider.Load(s.File, s.Dirs...)
	if err != nil {
		return reading{err: err}
	}
	values, err := p.Values(s.Runner.Name, s.Given)
	if err != nil {
		return reading{err: err}
	}
	runner := s.Runner
	runner.Provider, runner.Parameters = p, values
	return reading{runner: &runner}
}

// query prepares a query, to be run by a worker.
func (s *Scripts) query(runner *provider.Runner, verb provider.Verb) func(context.Context) ipmi.Result {
	return func(ctx context.Context) (r ipmi.Result) {
		ctx, cancel := context.WithTimeout(ctx, s.Query)
		defer cancel()
		switch verb {
		case provider.Status:
			r.On, r.Err = runner.Status(ctx)
		case provider.BootGet:
			r.Device, r.Err = runner.BootDevice(ctx)
		case provider.FRUGet:
			r.FRU, r.Err = runner.FRU(ctx)
		default:
			panic("internal error: " + string(verb) + " is no query")
		}
		return r
	}
}

// action prepares an action in the same way.
func (s *Scripts) action(runner *provider.Runner, script *ipmi.Script, file string) func(context.Context) ipmi.Result {
	return func(ctx context.Context) ipmi.Result {
		ctx, cancel := context.WithTimeout(ctx, s.Action)
		defer cancel()
		return ipmi.Result{Err: runner.Act(ctx, script.Verb, provider.Args{Boot: script.Boot, Light: script.Light}, file)}
	}
}

// adopt prepares to wait for an action that an earlier process began, some time ago.
func (s *Scripts) adopt(verb provider.Verb, file string, ago time.Duration) func(context.Context) ipmi.Result {
	return func(ctx context.Context) ipmi.Result {
		ctx, cancel := context.WithTimeout(ctx, s.Action-ago)
		defer cancel()
		return ipmi.Result{Err: provider.Adopt(ctx, verb, file)}
	}
}
