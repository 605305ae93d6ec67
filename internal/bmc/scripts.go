package bmc

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// Scripts runs the scripts of the provider that the BMC is configured with, as
// the file says them at the time.
type Scripts struct {
	File   string          // the provider file
	Runner provider.Runner // all but its Provider
	Query  time.Duration   // time limit of a query
	Action time.Duration   // and of an action

	loaded *provider.Provider
	as     os.FileInfo // of the file that was loaded
}

// Provider returns the provider, which is read again when its file has changed.
func (s *Scripts) Provider() (*provider.Provider, error) {
	info, err := os.Stat(s.File)
	if err != nil {
		return nil, fmt.Errorf("provider file: %w", err)
	}
	if s.loaded != nil && os.SameFile(info, s.as) && info.ModTime().Equal(s.as.ModTime()) && info.Size() == s.as.Size() {
		return s.loaded, nil
	}
	p, err := provider.Load(s.File)
	if err != nil {
		return nil, err
	}
	s.loaded, s.as = p, info
	return p, nil
}

// runner is the provider's, as its file is now.
func (s *Scripts) runner() (provider.Runner, error) {
	r := s.Runner
	p, err := s.Provider()
	r.Provider = p
	return r, err
}

func failed(err error) func(context.Context) ipmi.Result {
	return func(context.Context) ipmi.Result { return ipmi.Result{Err: err} }
}

// query prepares a query, to be run by a worker.
func (s *Scripts) query(verb provider.Verb) func(context.Context) ipmi.Result {
	runner, err := s.runner()
	if err != nil {
		return failed(err)
	}
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

// action prepares an action, to be run by a worker.
func (s *Scripts) action(script *ipmi.Script, file string) func(context.Context) ipmi.Result {
	runner, err := s.runner()
	if err != nil {
		return failed(err)
	}
	return func(ctx context.Context) ipmi.Result {
		ctx, cancel := context.WithTimeout(ctx, s.Action)
		defer cancel()
		return ipmi.Result{Err: runner.Act(ctx, script.Verb, provider.Args{Boot: script.Boot, Light: script.Light}, file)}
	}
}

// adopt prepares to wait for an action that an earlier process began. What it
// waited does not count for the time limit.
func (s *Scripts) adopt(verb provider.Verb, file string) func(context.Context) ipmi.Result {
	return func(ctx context.Context) ipmi.Result {
		ctx, cancel := context.WithTimeout(ctx, s.Action)
		defer cancel()
		return ipmi.Result{Err: provider.Adopt(ctx, verb, file)}
	}
}
