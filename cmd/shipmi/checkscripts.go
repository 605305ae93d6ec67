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
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

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
	command := []string{"--", self, "check-scripts"}
	if c.user {
		args, command = append(args, "--user"), append(command, "--user")
	}
	for _, setting := range settings {
		args = append(args, "--property="+setting)
	}
	cmd := exec.CommandContext(ctx, "systemd-run", append(args, command...)...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), c.stderr
	results, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = c.receive(results)
	if err := cmd.Wait(); err != nil {
		err = fmt.Errorf("systemd-run: %w", err)
		switch {
		case c.results != nil:
		case c.user:
			err = hint(err, "systemd-run needs a message bus for the user, on Debian that of the package dbus-user-session")
		case os.Geteuid() != 0:
			err = hint(err, "run it as root")
		}
		return err
	}
	return err
}

// receive reports results as they come.
func (c *checker) receive(results io.Reader) error {
	for d := json.NewDecoder(results); ; {
		var r check.Result
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("results: %w", err)
		}
		c.report(r)
	}
}

func (a *app) checkScriptsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check-scripts",
		Short:   `Run the scripts that standard input asks for: a part of "shipmi check"`,
		Example: `  shipmi check-scripts <scripts.json`,
		Hidden:  true,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s scripts
			if err := json.NewDecoder(a.stdin).Decode(&s); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			signal.Ignore(unix.SIGPIPE) // the machine is to be left as it was, whoever still listens
			results := json.NewEncoder(a.stdout)
			var errs []error
			err := a.try(cmd.Context(), s, a.getenv("STATE_DIRECTORY"), func(r check.Result) {
				errs = append(errs, results.Encode(r))
			})
			return errors.Join(append(errs, err)...)
		},
	}
}
