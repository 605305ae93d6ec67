package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
)

// A Job says which scripts to try. It is JSON between the two processes of RunInUnit.
type Job struct {
	instance.Instance
	Power bool // try the scripts that switch the machine, too
}

// A Unit says how systemd runs a process.
type Unit struct {
	Settings []string // NAME=VALUE, as systemd-run takes them
	User     bool     // in the service manager of the user
	Command  []string // reads the Job from standard input and prints each Result as JSON
	Stderr   io.Writer
}

// RunInUnit runs a job in a transient unit. It calls report with each result as soon as a
// script ends.
func (j Job) RunInUnit(ctx context.Context, u Unit, report func(Result)) error {
	input, err := json.Marshal(j)
	if err != nil {
		return err
	}
	args := []string{"--pipe", "--wait", "--collect", "--quiet"}
	if u.User {
		args = append(args, "--user")
	}
	for _, setting := range u.Settings {
		args = append(args, "--property="+setting)
	}
	cmd := exec.CommandContext(ctx, "systemd-run", append(append(args, "--"), u.Command...)...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), u.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	results, err := receive(stdout, report)
	if err := cmd.Wait(); err != nil {
		err = fmt.Errorf("systemd-run: %w", err)
		switch {
		case results > 0: // the unit started
		case u.User:
			err = hint.Add(err, "systemd-run needs a message bus for the user, on Debian that of the package dbus-user-session")
		case os.Geteuid() != 0:
			err = hint.Add(err, "run it as root")
		}
		return err
	}
	return err
}

// receive calls report with each result, and returns how many there were.
func receive(results io.Reader, report func(Result)) (count int, err error) {
	for d := json.NewDecoder(results); ; count++ {
		var r Result
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return count, nil
		case err != nil:
			return count, fmt.Errorf("results: %w", err)
		}
		report(r)
	}
}
