package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) logsCommand() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:        "logs NAME...",
		SuggestFor: []string{"journal"},
		Short:      "Show what the journal has about BMCs",
		Long: `Show what the journal has about BMCs: who asked for what, what ran, how long it took,
and what the scripts printed. This is journalctl(1), which says more about the
options.`,
		Example: `  shipmi logs node-0
  shipmi logs node-0 --follow --lines 20
  shipmi logs --all --since -1h`,
	}
	s.addTo(cmd, a)
	own := pflag.NewFlagSet("journalctl", pflag.ContinueOnError)
	own.BoolP("follow", "f", false, "go on with what comes")
	own.StringP("lines", "n", "", "show the last `number` of lines only")
	own.StringP("since", "S", "", "show nothing older than this `time`, as systemd.time(7) has it")
	own.StringP("until", "U", "", "show nothing younger than this `time`")
	own.StringP("output", "o", "", "output `format` of journalctl")
	cmd.Flags().AddFlagSet(own)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		bmcs, err := a.find(s.patterns(args)...)
		if err != nil {
			return err
		}
		match := "--unit="
		if a.user {
			match = "--user-unit="
		}
		command := []string{"journalctl"}
		own.VisitAll(func(flag *pflag.Flag) {
			switch {
			case !flag.Changed:
			case flag.Name == "follow":
				command = append(command, "--follow")
			default:
				command = append(command, "--"+flag.Name+"="+flag.Value.String())
			}
		})
		for _, b := range bmcs {
			for _, unit := range units.Units(b.Name) {
				command = append(command, match+unit)
			}
		}
		return a.become(command...)
	}
	return cmd
}
