package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

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
	Dir      string   // for temporary files; the service manager must see it
	Stderr   io.Writer
}

// RunInUnit runs a job in a transient unit. It calls report with each result as soon as a
// script ends. systemd-run waits for the end of a unit of the type oneshot as it waits for
// the start of others; its options --wait and --pipe would need a message bus.
func (j Job) RunInUnit(ctx context.Context, u Unit, report func(Result)) error {
	dir, err := os.MkdirTemp(u.Dir, "shipmi-check-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in, out, log := filepath.Join(dir, "job"), filepath.Join(dir, "results"), filepath.Join(dir, "stderr")
	input, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(in, input, 0o600), unix.Mkfifo(out, 0o600)); err != nil {
		return err
	}
	// As long as this process has the pipe open for writing, the end of another writer is not
	// the end of the file.
	r, err := os.OpenFile(out, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(out, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	args := []string{"--service-type=oneshot", "--collect", "--quiet"}
	if u.User {
		args = append(args, "--user")
	}
	for _, setting := range append(slices.Clone(u.Settings), "StandardInput=file:"+in, "StandardOutput=file:"+out, "StandardError=file:"+log) {
		args = append(args, "--property="+setting)
	}
	cmd := exec.CommandContext(ctx, "systemd-run", append(append(args, "--"), u.Command...)...)
	cmd.Stderr = u.Stderr
	type received struct {
		results int
		err     error
	}
	all := make(chan received, 1)
	go func() {
		results, err := receive(r, report)
		all <- received{results, err}
	}()
	failure := cmd.Run()
	w.Close()
	if ctx.Err() != nil {
		r.Close() // the unit may still run and have the pipe open
	}
	got := <-all
	if text, err := os.ReadFile(log); err == nil {
		_, _ = u.Stderr.Write(text)
	}
	if failure == nil {
		return got.err
	}
	failure = fmt.Errorf("systemd-run: %w", failure)
	if got.results == 0 && !u.User && os.Geteuid() != 0 {
		return hint.Add(failure, "run the command as root")
	}
	return failure
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
