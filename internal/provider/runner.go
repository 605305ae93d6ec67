package provider

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// A Runner runs the scripts of one provider for one BMC. It is safe for concurrent use.
type Runner struct {
	Provider *Provider
	Name     string   // of the BMC, found valid by the caller; replaces %(name)s
	StateDir string   // where scripts may keep files, as SHIPMI_STATE_DIRECTORY
	Environ  []string // as os.Environ gives it; what concerns our process alone is taken out

	// Parameters are what Provider.Values returns; a value replaces %(PARAMETER)s.
	Parameters map[string]string

	// Stderr opens what the script of a verb may write to, beside the answer of a query. The Runner closes it.
	Stderr func(Verb) (*os.File, error)

	// Answered, if it is there, is told what a query printed, as far as that is kept, and its exit status; -1: none.
	Answered func(printed string, exit int)
}

// Script is the text of v for the shell; empty if there is none.
func (r *Runner) Script(v Verb, boot Boot) string {
	values := map[string]string{"name": r.Name}
	maps.Copy(values, r.Parameters)
	return placeholders(v, values, boot.Device, "%").Replace(r.Provider.scripts[v])
}

// shell prepares a shell program to run in the provider's folder, in a process group of its own that is killed when
// ctx ends, with standard input empty.
func (r *Runner) shell(ctx context.Context, v Verb, args Args, program string, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", program}, words...)...)
	cmd.Dir = filepath.Dir(r.Provider.Path)
	cmd.Env = r.environ(v, args)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
