package main

import (
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
options.`,
		Example: `  shipmi logs node-0
  shipmi logs node-0 --follow --lines 20
  shipmi logs --all --since -1h`,
	}
	selected.addTo(cmd, a)
	own := pflag.NewFlagSet("journalctl", pflag.ContinueOnError)
	own.BoolP("follow", "f", false, "print new lines as they are written")
	own.StringP("lines", "n", "", "show only the last `number` of lines")
	own.StringP("since", "S", "", "show nothing older than this `time`, see systemd.time(7)")
	own.StringP("until", "U", "", "show nothing newer than this `time`")
	own.StringP("output", "o", "", "output `format` of journalctl")
	cmd.Flags().AddFlagSet(own)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		bmcs, err := a.findBMCs(selected.patterns(args)...)
		if err != nil {
			return err
		}
		match := "--unit="
		if a.host.User {
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
		return replaceProcess(command...)
	}
	return cmd
}
