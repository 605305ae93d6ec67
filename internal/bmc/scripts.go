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

// start prepares the script of a job, to be run by a worker.
func (s *Scripts) start(j *job) func(context.Context) ipmi.Result {
	p, err := s.Provider()
	if err != nil {
		return func(context.Context) ipmi.Result { return ipmi.Result{Err: err} }
	}
	runner := s.Runner
	runner.Provider = p
	return func(ctx context.Context) (r ipmi.Result) {
		limit := s.Query
		if j.command.Lane == ipmi.Action {
			limit = s.Action
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		switch verb := j.script.Verb; verb {
		case provider.Status:
			r.On, r.Err = runner.Status(ctx)
		case provider.BootGet:
			r.Device, r.Err = runner.BootDevice(ctx)
		case provider.FRUGet:
			r.FRU, r.Err = runner.FRU(ctx)
		default:
			r.Err = runner.Act(ctx, verb, provider.Args{Boot: j.script.Boot, Light: j.script.Light}, j.file)
		}
		return r
	}
}

// adopt prepares to wait for an action that an earlier process began. What it
// waited does not count for the time limit.
func (s *Scripts) adopt(j *job) func(context.Context) ipmi.Result {
	return func(ctx context.Context) ipmi.Result {
		ctx, cancel := context.WithTimeout(ctx, s.Action)
		defer cancel()
		return ipmi.Result{Err: provider.Adopt(ctx, j.script.Verb, j.file)}
	}
}
