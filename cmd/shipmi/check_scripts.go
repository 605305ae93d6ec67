package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/check"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/script"
)

// checkScripts is the name of the command that check.Job.RunInUnit runs.
const checkScripts = "check-scripts"

func (a *app) checkScriptsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     checkScripts,
		Short:   `Run the scripts that standard input names: a part of "shipmi check"`,
		Example: `  shipmi check-scripts <scripts.json`,
		Hidden:  true,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var job check.Job
			if err := json.NewDecoder(a.Stdin).Decode(&job); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			signal.Ignore(unix.SIGPIPE) // if the reader is gone, the machine must still get its former state
			results := json.NewEncoder(a.Stdout)
			var errs []error
			err := a.runJob(cmd.Context(), job, a.Getenv("STATE_DIRECTORY"), func(r check.Result) {
				errs = append(errs, results.Encode(r))
			})
			return errors.Join(append(errs, err)...)
		},
	}
}

// runJob runs scripts in this process's own environment.
func (a *app) runJob(ctx context.Context, job check.Job, stateDir string, report func(check.Result)) error {
	p, err := a.host.LoadProvider(job.Provider)
	if err != nil {
		return err
	}
	values, err := p.Values(job.Name, job.Parameters)
	if err != nil {
		return err
	}
	c := check.Check{
		Runner: script.Runner{
			Provider: p, Name: job.Name, StateDir: stateDir, Environ: os.Environ(), Parameters: values,
			Fetch: provider.Fetch(a.host.BuiltIn),
		},
		Timeouts: job.Timeouts,
		Now:      time.Now,
		Report:   report,
	}
	return c.Run(ctx, job.Power)
}
