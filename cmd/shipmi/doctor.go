package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

// A finding is something that is wrong with a host.
type finding struct {
	bmc     string // "": it is not one BMC's
	problem string
	advice  string
	doubt   bool // only a person can tell whether it is wrong
}

// A doctor looks at the BMCs of a host, and at what they need of it.
type doctor struct {
	*app
	output output

	bmcs       []units.BMC // those that make sense
	conditions map[string]systemd.Condition
	findings   []finding
}

// examinations are all that a doctor looks for. Each adds findings; its error is why
// it could not look.
var examinations = []struct {
	of   string
	look func(*doctor, context.Context) error
}{
	{"leftovers", (*doctor).lookAtLeftovers},
	{"credentials", (*doctor).lookAtCredentials},
	{"modes", (*doctor).lookAtModes},
	{"providers", (*doctor).lookAtProviders},
	{"accounts", (*doctor).lookAtAccounts},
	{"units", (*doctor).lookAtUnits},
	{"unit files", (*doctor).lookAtHidden},
	{"versions", (*doctor).lookAtVersions},
	{"ports", (*doctor).lookAtPorts},
	{"addresses", (*doctor).lookAtAddresses},
	{"firewall", (*doctor).lookAtFirewall},
	{"limits", (*doctor).lookAtLimits},
}

func (a *app) doctorCommand() *cobra.Command {
	d := doctor{app: a}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is wrong with the BMCs of this host",
		Long: `Look for what keeps BMCs from working: files that make no sense or belong to no BMC,
missing or readable credentials, providers that are gone or lack a command, units that
failed or changed, ports that others use, addresses that are not there, a firewall,
limits, default passwords. Nothing is changed. The exit status is 1 if there is a
problem. What only you can judge is a warning, and no problem.

Scripts do not run: that is what "shipmi check" does.`,
		Example: `  shipmi doctor
  shipmi doctor -o json`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	d.output.addFlags(cmd)
	return cmd
}

func (d *doctor) run(ctx context.Context) error {
	if err := d.meet(ctx); err != nil {
		return err
	}
	var errs []error
	for _, e := range examinations {
		if err := e.look(d, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s could not be looked at: %w", e.of, err))
		}
	}
	errs = append(errs, d.printFindings(errs == nil))
	problems := 0
	for _, f := range d.findings {
		if !f.doubt {
			problems++
		}
	}
	if problems > 0 {
		errs = append(errs, fmt.Errorf("problems found: %d", problems))
	}
	return errors.Join(errs...)
}

// meet learns what BMCs there are and how systemd finds them.
func (d *doctor) meet(ctx context.Context) error {
	all, err := d.store.List()
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.Err == nil {
			d.bmcs = append(d.bmcs, b)
			continue
		}
		d.find(b.Name, "its files make no sense: "+b.Err.Error(), `correct them, see "systemctl cat"; "shipmi delete" removes what "shipmi add" made`)
	}
	s, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	d.conditions, err = s.Conditions(ctx, append(sockets(d.bmcs), services(d.bmcs)...))
	return err
}

func (d *doctor) find(bmc, problem, advice string, args ...any) {
	d.findings = append(d.findings, finding{bmc: bmc, problem: problem, advice: fmt.Sprintf(advice, args...)})
}

// doubt is find for what may be meant.
func (d *doctor) doubt(bmc, problem, advice string, args ...any) {
	d.find(bmc, problem, advice, args...)
	d.findings[len(d.findings)-1].doubt = true
}

// printFindings says that all is well only where all of it was looked at.
func (d *doctor) printFindings(complete bool) error {
	if d.output.format.name != "table" || d.output.columns != nil {
		l := listing{columns: []column{
			{name: "name", title: "Name", left: true},
			{name: "kind", title: "Kind", left: true},
			{name: "problem", title: "Problem", left: true},
			{name: "hint", title: "Hint", left: true},
		}}
		for _, f := range d.findings {
			l.rows = append(l.rows, []any{orNil(f.bmc), f.kind(), f.problem, f.advice})
		}
		return d.print(&d.output, l)
	}
	if d.findings == nil && complete {
		_, err := fmt.Fprintln(d.stdout, "no problems found")
		return err
	}
	for _, f := range d.findings {
		what, colour := f.problem, text.FgRed
		if f.doubt {
			colour = text.FgYellow
		}
		if f.bmc != "" {
			what = f.bmc + ": " + what
		}
		kind := f.kind() + ":"
		if d.colours(d.stdout) {
			kind = colour.Sprint(kind)
		}
		if _, err := fmt.Fprintf(d.stdout, "%s %s\n  hint: %s\n", kind, what, f.advice); err != nil {
			return err
		}
	}
	return nil
}

func (f finding) kind() string {
	if f.doubt {
		return "warning"
	}
	return "problem"
}
