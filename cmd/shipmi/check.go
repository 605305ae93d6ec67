package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/check"
	"github.com/shipmi/shipmi/internal/instance"
)

// A checker tries the scripts of a BMC or of a provider.
type checker struct {
	*app
	set    parametersValue
	power  bool
	yes    bool
	output output

	results []check.Result
}

func (a *app) checkCommand() *cobra.Command {
	c := checker{app: a}
	cmd := &cobra.Command{
		Use:   "check NAME|PROVIDER",
		Short: "Try the scripts of a BMC or of a provider",
		Long: `Run the scripts that only ask, and show what each printed, how long it took, how it
ended, and what ipmitool would print. The exit status is 1 if one of them failed.

Of a BMC they run as its process would run them: as the same user, in the environment,
the sandbox and the state directory that its drop-ins say, but in a unit of their own,
and what they print does not go to the journal. The scripts of a provider run as you,
in your environment, with an empty state directory.

With --power the other scripts of a BMC run, too. The machine is switched on and off
several times, and is sent a diagnostic interrupt, which many systems take for a reason
to crash. Then it is left on or off as it was. Clients are not kept away meanwhile.`,
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
			return c.run(cmd.Context(), args[0])
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
			names, _ := a.completeName(cmd, args, prefix)
			providers, directive := a.completeProvider(cmd, args, prefix)
			return append(names, providers...), directive
		},
	}
	cmd.Flags().Var(&c.set, "set", "parameter of the provider; may be repeated; a BMC has its own")
	cmd.Flags().BoolVar(&c.power, "power", false, "run the scripts that switch the machine, too")
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask whether that is meant")
	c.output.addFlags(cmd)
	return cmd
}

func (c *checker) run(ctx context.Context, what string) error {
	bmcs, err0 := c.store.Names()
	providers, err1 := c.providerNames()
	if err := errors.Join(err0, err1); err != nil {
		return err
	}
	var err error
	switch {
	case slices.Contains(bmcs, what):
		err = c.checkBMC(ctx, what)
	case slices.Contains(providers, what), strings.HasSuffix(what, ".conf"):
		err = c.checkProvider(ctx, what)
	default:
		err := mistyped(fmt.Errorf("there is no BMC and no provider %q", what), append(bmcs, providers...), what)
		return hint(err, `"shipmi list" and "shipmi providers" list those that there are`)
	}
	if printErr := c.printResults(); printErr != nil || err != nil {
		return errors.Join(err, printErr)
	}
	failed := 0
	for _, r := range c.results {
		if r.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d scripts failed", failed, len(c.results))
	}
	return nil
}

func (c *checker) checkBMC(ctx context.Context, name string) error {
	found, err := c.find(name)
	if err != nil {
		return err
	}
	b := found[0]
	switch {
	case b.Err != nil:
		return fmt.Errorf("%s: %w", name, b.Err)
	case c.set != nil:
		return hint(fmt.Errorf("%s has parameters of its own", name), `"shipmi set" changes them`)
	}
	if c.power {
		if err := errors.Join(c.idle(found), c.confirm(ctx, name)); err != nil {
			return err
		}
	}
	surroundings, err := c.store.Surroundings(name)
	if err != nil {
		return err
	}
	return c.tryAs(ctx, surroundings, scripts{Instance: b.Instance, Power: c.power})
}

func (c *checker) checkProvider(ctx context.Context, name string) error {
	if c.power {
		return hint(errors.New("--power is for a BMC, whose machine is known"), `"shipmi add" adds one`)
	}
	p, err := c.findProvider(name, "")
	if err != nil {
		return err
	}
	if err := checkParameters(p, name, c.set); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "shipmi-check-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	i := instance.Default()
	i.Name, i.Provider, i.Parameters = p.Name(), p.Path, c.set
	return c.try(ctx, scripts{Instance: i}, dir, c.report)
}

// confirm asks whether the machine may be switched.
func (c *checker) confirm(ctx context.Context, name string) error {
	if c.yes {
		return nil
	}
	if !isTerminal(c.stdin) {
		return hint(fmt.Errorf("%s: nobody there to say that the machine may be switched", name), "say --yes")
	}
	fmt.Fprintf(c.stderr, "The machine behind %q will be switched on and off, reset, and sent a diagnostic interrupt. Go on? [y/N] ", name)
	answer, _ := interruptible(ctx, func() (string, error) {
		return bufio.NewReader(c.stdin).ReadString('\n') // the end of the file is no answer
	})
	if strings.TrimSpace(answer) != "y" {
		return errors.New("nothing was done")
	}
	return nil
}

// report prints a result at once where people read it.
func (c *checker) report(r check.Result) {
	c.results = append(c.results, r)
	if c.forPeople() {
		c.printResult(r)
	}
}
