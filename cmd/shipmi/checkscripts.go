package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/check"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
)

// scripts are those that are to be tried.
type scripts struct {
	instance.Instance
	Power bool
}

// try runs scripts in our own surroundings.
func (a *app) try(ctx context.Context, s scripts, stateDir string, report func(check.Result)) error {
	p, err := a.loadProvider(s.Provider)
	if err != nil {
		return err
	}
	values, err := p.Values(s.Name, s.Parameters)
	if err != nil {
		return err
	}
	c := check.Check{
		Runner:   provider.Runner{Provider: p, Name: s.Name, StateDir: stateDir, Environ: os.Environ(), Parameters: values},
		Timeouts: s.Timeouts,
		Now:      time.Now,
		Report:   report,
	}
	if err := c.Queries(ctx); err != nil || !s.Power {
		return err
	}
	return c.Power(ctx)
}

// tryAs runs scripts as systemd runs a process with such settings: "check-scripts"
// does it there.
func (c *checker) tryAs(ctx context.Context, settings []string, s scripts) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	input, err := json.Marshal(s)
	if err != nil {
		return err
	}
	args := []string{"--pipe", "--wait", "--collect", "--quiet"}
	if c.user {
		args = append(args, "--user")
	}
	for _, setting := range settings {
		args = append(args, "--property="+setting)
	}
	var printed bytes.Buffer
	cmd := exec.CommandContext(ctx, "systemd-run", append(args, "--", self, "check-scripts")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &printed, c.stderr
	runErr := cmd.Run()
	for d := json.NewDecoder(&printed); ; {
		var r check.Result
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("results of %s: %w", s.Name, err)
		}
		c.report(r)
	}
	if runErr != nil {
		return fmt.Errorf("systemd-run: %w", runErr)
	}
	return nil
}

func (a *app) checkScriptsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check-scripts",
		Short:   `Run the scripts that standard input asks for: a part of "shipmi check"`,
		Example: `  shipmi check-scripts <scripts.json`,
		Hidden:  true,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s scripts
			if err := json.NewDecoder(a.stdin).Decode(&s); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			results := json.NewEncoder(a.stdout)
			var errs []error
			err := a.try(cmd.Context(), s, a.getenv("STATE_DIRECTORY"), func(r check.Result) {
				errs = append(errs, results.Encode(r))
			})
			return errors.Join(append(errs, err)...)
		},
	}
}
