package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/check"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/lint"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/terminal"
)

// A checkRequest is what the flags of "check" say.
type checkRequest struct {
	set     settings.Parameters
	power   bool
	yes     bool
	options listing.Options
}

func (a *app) checkCommand() *cobra.Command {
	var r checkRequest
	cmd := &cobra.Command{
		Use:   "check NAME|PROVIDER",
		Short: "Try the scripts of a BMC or of a provider",
		Long: `Run the scripts of all queries, and show what each printed, how long it took, how it
ended, and what ipmitool would print. The exit status is 1 if one of them failed. A
warning names scripts that the shell cannot read, or that have syntax of bash although
another shell runs them.

The scripts of a BMC run as its process runs them: as the same user, with the
environment, the sandbox and the state directory of its drop-ins, but in a unit of
their own. Their output does not go to the journal. The scripts of a provider run as
you, in your environment, with an empty state directory.

With --power, the scripts of all actions of a BMC run, too. The machine is switched on
and off several times, and gets a diagnostic interrupt, on which many systems crash.
In the end it is on or off as it was before. Clients are not locked out meanwhile.`,
		Example: `  shipmi check node-0
  shipmi check node-0 --power
  shipmi check libvirt --set domain=web
  shipmi check ./lab.conf -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("want the name of one BMC or provider, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.options.CheckColumns(resultColumns); err != nil {
				return err
			}
			return a.check(cmd.Context(), r, args[0])
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
			names, _ := a.completeName(cmd, args, prefix)
			providers, directive := a.host.CompleteProvider(cmd, args, prefix)
			return append(names, providers...), directive
		},
	}
	cmd.Flags().Var(&r.set, "set", "parameter of the provider; may be repeated; a BMC has its own")
	_ = cmd.RegisterFlagCompletionFunc("set", a.completeParameter)
	cmd.Flags().BoolVar(&r.power, "power", false, "run the scripts that switch the machine, too")
	cmd.Flags().BoolVar(&r.yes, "yes", false, "do not ask for confirmation")
	r.options.AddFlags(cmd, resultColumns)
	return cmd
}

func (a *app) check(ctx context.Context, r checkRequest, name string) error {
	bmcs, err0 := a.store.Names()
	providers, err1 := a.host.ProviderNames()
	if err := errors.Join(err0, err1); err != nil {
		return err
	}
	var (
		results []check.Result
		err     error
	)
	report := func(result check.Result) {
		results = append(results, result)
		if r.options.ForPeople() {
			a.printResult(result) // at once, because the next script may take minutes
		}
	}
	switch {
	case slices.Contains(bmcs, name):
		err = a.checkBMC(ctx, r, name, report)
	case slices.Contains(providers, name), strings.HasSuffix(name, ".conf"):
		err = a.checkProvider(ctx, r, name, report)
	default:
		err := hint.DidYouMean(fmt.Errorf("there is no BMC and no provider %q", name), []string{name}, append(bmcs, providers...))
		return hint.Add(err, `"shipmi list" and "shipmi providers" list those that there are`)
	}
	if !r.options.ForPeople() {
		err = errors.Join(err, r.options.Print(&a.Terminal, resultTable(results)))
	}
	if err != nil {
		return err
	}
	failed := 0
	for _, result := range results {
		if result.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d scripts failed", failed, len(results))
	}
	return nil
}

func (a *app) checkBMC(ctx context.Context, r checkRequest, name string, report func(check.Result)) error {
	found, err := a.findBMCs(name)
	if err != nil {
		return err
	}
	b := found[0]
	switch {
	case b.Err != nil:
		return fmt.Errorf("%s: %w", name, b.Err)
	case r.set != nil:
		return hint.Misuse(hint.Add(fmt.Errorf("%s has parameters of its own", name), `"shipmi set" changes them`))
	}
	if r.power {
		if err := a.checkIdle(found); err != nil {
			return err
		}
		if err := a.confirmPower(ctx, r, name); err != nil {
			return err
		}
	}
	p, err := a.host.LoadProvider(b.Provider)
	if err != nil {
		return err
	}
	a.introduce(ctx, r, p, name, b.Parameters)
	surroundings, err := a.store.Surroundings(name)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	unit := check.Unit{Settings: surroundings, User: a.host.User, Command: []string{self, checkScripts}, Dir: a.store.RuntimeDir(), Stderr: a.Stderr}
	if a.host.User {
		unit.Command = append(unit.Command, "--user")
	}
	return check.Job{Instance: b.Instance, Power: r.power}.RunInUnit(ctx, unit, report)
}

func (a *app) checkProvider(ctx context.Context, r checkRequest, name string, report func(check.Result)) error {
	if r.power {
		err := errors.New("--power works only for a BMC, whose machine is known")
		return hint.Misuse(hint.Add(err, `"shipmi add" adds one`))
	}
	p, err := a.host.FindProvider(name, "")
	if err != nil {
		return err
	}
	if err := settings.CheckParameters(p, name, r.set); err != nil {
		return err
	}
	a.introduce(ctx, r, p, p.Name(), r.set)
	dir, err := os.MkdirTemp("", "shipmi-check-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	i := instance.Default()
	i.Name, i.Provider, i.Parameters = p.Name(), p.Path, r.set
	return a.runJob(ctx, check.Job{Instance: i}, dir, report)
}

// introduce names the shell that will run the scripts, and warns of what it does not
// understand.
func (a *app) introduce(ctx context.Context, r checkRequest, p *provider.Provider, name string, set map[string]string) {
	a.warnScriptsOf(ctx, p, name, set)
	if r.options.ForPeople() {
		fmt.Fprintf(a.Stdout, "%s runs the scripts\n", lint.Describe(p.Shell))
	}
}

// confirmPower asks whether the machine may be switched.
func (a *app) confirmPower(ctx context.Context, r checkRequest, name string) error {
	if r.yes {
		return nil
	}
	yes, err := a.Confirm(ctx, fmt.Sprintf("The machine of %q will be switched on and off, reset, and get a diagnostic interrupt. Continue?", name))
	switch {
	case errors.Is(err, terminal.ErrNoTerminal):
		return hint.Add(fmt.Errorf("%s: %w", name, err), "use --yes")
	case err == nil && !yes:
		return errors.New("nothing was done")
	default:
		return err
	}
}

var resultColumns = []listing.Column{
	{Name: "verb", Title: "Verb", Left: true},
	{Name: "took", Title: "Took"},
	{Name: "exit", Title: "Exit"},
	{Name: "error", Title: "Error", Left: true, Prose: true},
	{Name: "code", Title: "Code"},
	{Name: "client", Title: "Client", Left: true, Prose: true},
	{Name: "script", Title: "Script", Left: true, Wide: true, Prose: true},
	{Name: "stdout", Title: "Stdout", Left: true, Wide: true, Prose: true},
	{Name: "stderr", Title: "Stderr", Left: true, Wide: true, Prose: true},
}

func resultTable(results []check.Result) listing.Table {
	table := listing.Table{Columns: resultColumns}
	for _, r := range results {
		var exit any
		if r.Exit >= 0 {
			exit = r.Exit
		}
		table.Rows = append(table.Rows, []any{string(r.Verb), took(r), exit, r.Error, int(r.Code), r.Client, r.Script, r.Stdout, r.Stderr})
	}
	return table
}

func took(r check.Result) string { return r.Took.Round(time.Millisecond).String() }

// printResult prints a result as a paragraph.
func (a *app) printResult(r check.Result) {
	ended, color := "done", text.FgGreen
	if r.Error != "" {
		ended, color = r.Error, text.FgRed
	}
	fmt.Fprintf(a.Stdout, "%s: %s (%s)\n", r.Verb, a.Paint(a.Stdout, color, ended), took(r))
	for _, part := range []struct{ title, text string }{
		{"script", r.Script},
		{"stdout", r.Stdout},
		{"stderr", r.Stderr},
		{"client", fmt.Sprintf("%s\n(completion code 0x%02x, %v)", r.Client, byte(r.Code), r.Code)},
	} {
		title := part.title
		for line := range strings.Lines(part.text) {
			fmt.Fprintf(a.Stdout, "  %-6s | %s\n", title, controls.ReplaceAllStringFunc(strings.TrimSuffix(line, "\n"), escapeControl))
			title = ""
		}
	}
}

// controls matches the control characters except the tab. The output of a script could use
// them to make a terminal show something else.
var controls = regexp.MustCompile(`[^\P{C}\t]`)

// escapeControl returns a character as Go writes it: \x1b.
func escapeControl(character string) string {
	return strings.Trim(strconv.QuoteToASCII(character), `"`)
}
