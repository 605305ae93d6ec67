package bmc

import (
	"context"
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
}

// Provider returns the provider, which is read again when a file of it has
// changed.
func (s *Scripts) Provider() (*provider.Provider, error) {
	if p := s.Runner.Provider; p != nil && !p.Changed() {
		return p, nil
	}
	p, err := provider.Load(s.File, s.Dirs...)
	if err != nil {
		return nil, err
	}
	values, err := p.Values(s.Runner.Name, s.Given)
	if err != nil {
		return nil, err
	}
	s.Runner.Provider, s.Runner.Parameters = p, values
	return p, nil
}

// query prepares a query, to be run by a worker, of the provider that the handler of
// the request has seen.
func (s *Scripts) query(verb provider.Verb) func(context.Context) ipmi.Result {
	runner := s.Runner
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
func (s *Scripts) action(script *ipmi.Script, file string) func(context.Context) ipmi.Result {
	runner := s.Runner
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
