package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) logsCommand() *cobra.Command {
	var selected selection
	cmd := &cobra.Command{
		Use:        "logs NAME...",
		SuggestFor: []string{"journal"},
		Short:      "Show the journal of BMCs",
		Long: `Show the journal of BMCs: which client asked for what, which scripts ran, how long they
took, and what they printed. This runs journalctl(1), whose manual explains the
options.

With --debug, the processes also log what they do not log otherwise, such as datagrams
that they drop, until you interrupt the command. They are restarted for that, before and
after, and sessions continue. "Environment=SHIPMI_LOG=debug" in a drop-in of the service
does the same for good.`,
		Example: `  shipmi logs node-0
  shipmi logs node-0 --follow --lines 20
  shipmi logs --all --since -1h
  shipmi logs node-0 --debug`,
	}
	selected.addTo(cmd, a)
	debug := cmd.Flags().Bool("debug", false, "follow the journal, with debug messages, until interrupted")
	own := journalFlags("lines")
	own.StringP("output", "o", "", "output `format` of journalctl")
	cmd.Flags().AddFlagSet(own)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		bmcs, err := a.findBMCs(selected.patterns(args)...)
		if err != nil {
			return err
		}
		command := append([]string{"journalctl"}, journalOptions(own)...)
		command = append(command, a.journalMatches(bmcs)...)
		if *debug {
			return a.followDebug(cmd.Context(), bmcs, append(command, "--follow"))
		}
		return replaceProcess(command...)
	}
	return cmd
}

// journalFlags returns flags of journalctl. The help of the flags calls the entries what, in the plural.
func journalFlags(what string) *pflag.FlagSet {
	flags := pflag.NewFlagSet("journalctl", pflag.ContinueOnError)
	flags.BoolP("follow", "f", false, "print new "+what+" as they are written")
	flags.StringP("lines", "n", "", "show only the last `number` of "+what)
	flags.StringP("since", "S", "", "show nothing older than this `time`, see systemd.time(7)")
	flags.StringP("until", "U", "", "show nothing newer than this `time`")
	return flags
}

// journalOptions returns the options of journalctl for the flags that are set.
func journalOptions(flags *pflag.FlagSet) (options []string) {
	flags.VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed:
		case flag.Value.Type() == "bool":
			options = append(options, "--"+flag.Name)
		default:
			options = append(options, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	return options
}

// journalMatches returns the options of journalctl that select the units of BMCs.
func (a *app) journalMatches(bmcs []units.BMC) (matches []string) {
	match := "--unit="
	if a.host.User {
		match = "--user-unit="
	}
	for _, b := range bmcs {
		for _, unit := range units.Units(b.Name) {
			matches = append(matches, match+unit)
		}
	}
	return matches
}

// followDebug runs journalctl until it ends or ctx does. Meanwhile BMCs log debug messages.
func (a *app) followDebug(ctx context.Context, bmcs []units.BMC, command []string) (err error) {
	apply := func(ctx context.Context) error {
		s, err := a.connect(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Reload(ctx); err != nil {
			return err
		}
		var errs []error
		for unit, err := range s.TryRestart(ctx, services(bmcs)) {
			errs = append(errs, fmt.Errorf("%s: %w", unit, err))
		}
		return errors.Join(errs...)
	}
	defer func() {
		err = errors.Join(err, a.store.RemoveDebug(bmcs), apply(context.WithoutCancel(ctx)))
	}()
	if err := errors.Join(a.store.AddDebug(bmcs), apply(ctx)); err != nil {
		return err
	}
	journalctl := exec.CommandContext(ctx, command[0], command[1:]...)
	journalctl.Stdout, journalctl.Stderr = a.Stdout, a.Stderr
	if err := journalctl.Run(); ctx.Err() == nil {
		return err
	}
	return nil // an interrupt is how it usually ends
}
