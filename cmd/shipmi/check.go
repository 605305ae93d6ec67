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
another shell runs them. The script that reads sensors runs only if the machine is on.
The prelude of a provider, with which each of its scripts begins, is not shown.

The scripts of a BMC run as its process runs them: as the same user, with the
environment, the sandbox and the state directory of its drop-ins, but in a unit of
their own. Their output does not go to the journal. The scripts of a provider run as
you, in your environment, with an empty state directory. $SHIPMI_NAME is then the name
of the provider.

With --power, the scripts of all actions of a BMC run, too. The machine is switched on
and off several times, and gets a diagnostic interrupt, on which many systems crash.
In the end the machine is on or off as it was before. Meanwhile, clients can switch it, too.

If the BMC has Redfish and is started, a Redfish client logs in as its first
administrator, verifies the certificate, and compares the power state with that of the
script.`,
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
	cmd.Flags().Var(&r.set, "set", "value of a parameter of the provider that is tried, as in domain=web; not for a BMC, which has its own; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("set", a.completeParameter)
	cmd.Flags().BoolVar(&r.power, "power", false, "also run the scripts that switch the machine")
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
		results   []check.Result
		exchanges []check.Exchange
		err       error
	)
	report := func(result check.Result) {
		results = append(results, result)
		if r.options.ForPeople() {
			a.printResult(result) // at once, because the next script may take minutes
		}
	}
	switch {
	case slices.Contains(bmcs, name):
		if err = a.checkBMC(ctx, r, name, report); err == nil {
			exchanges, err = a.checkRedfish(ctx, r, name, results)
		}
	case slices.Contains(providers, name), strings.HasSuffix(name, ".conf"):
		err = a.checkProvider(ctx, r, name, report)
	default:
		err := hint.DidYouMean(fmt.Errorf("there is no BMC and no provider %q", name), []string{name}, append(bmcs, providers...))
		return hint.Add(err, `"shipmi list" lists the BMCs, and "shipmi providers" lists the providers`)
	}
	if !r.options.ForPeople() {
		err = errors.Join(err, r.options.Print(&a.Terminal, resultTable(results, exchanges)))
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
		err = fmt.Errorf("%d of %d scripts failed", failed, len(results))
	}
	failed = 0
	for _, e := range exchanges {
		if e.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d requests of Redfish failed", failed, len(exchanges)))
	}
	return err
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
		err := errors.New("--power works only for a BMC: a provider alone has no machine")
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

func resultTable(results []check.Result, exchanges []check.Exchange) listing.Table {
	table := listing.Table{Columns: resultColumns}
	for _, r := range results {
		var exit any
		if r.Exit >= 0 {
			exit = r.Exit
		}
		table.Rows = append(table.Rows, []any{string(r.Verb), took(r.Took), exit, r.Error, int(r.Code), r.Client, r.Script, r.Stdout, r.Stderr})
	}
	for _, e := range exchanges {
		table.Rows = append(table.Rows, []any{e.Request, took(e.Took), nil, e.Error, nil, e.Answer, "", "", ""})
	}
	return table
}

func took(d time.Duration) string { return d.Round(time.Millisecond).String() }

// printResult prints a result as a paragraph.
func (a *app) printResult(r check.Result) {
	a.printEnd(string(r.Verb), r.Error, r.Took)
	for _, part := range []struct{ title, text string }{
		{"script", r.Script},
		{"stdout", r.Stdout},
		{"stderr", r.Stderr},
		{"client", fmt.Sprintf("%s\n(completion code 0x%02x, %v)", r.Client, byte(r.Code), r.Code)},
	} {
		a.printPart(part.title, part.text)
	}
}

// printEnd prints what was tried, how it ended and how long it took.
func (a *app) printEnd(what, failure string, d time.Duration) {
	ended, color := "done", text.FgGreen
	if failure != "" {
		ended, color = escapeControls(failure), text.FgRed
	}
	fmt.Fprintf(a.Stdout, "%s: %s (%s)\n", what, a.Paint(a.Stdout, color, ended), took(d))
}

// printPart prints a text below the title of its first line.
func (a *app) printPart(title, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(a.Stdout, "  %-6s | %s\n", title, escapeControls(strings.TrimSuffix(line, "\n")))
		title = ""
	}
}

// controls matches the control characters except the tab. The output of a script could use
// them to make a terminal show something else.
var controls = regexp.MustCompile(`[^\P{C}\t]`)

func escapeControls(text string) string { return controls.ReplaceAllStringFunc(text, escapeControl) }

// escapeControl returns a character as Go writes it: \x1b.
func escapeControl(character string) string {
	return strings.Trim(strconv.QuoteToASCII(character), `"`)
}
