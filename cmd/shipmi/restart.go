package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) restartCommand() *cobra.Command {
	var (
		selected selection
		wait     bool
	)
	cmd := &cobra.Command{
		Use:        "restart NAME...",
		SuggestFor: []string{"reload"},
		Short:      "Stop BMCs and start them again",
		Long: `Stop BMCs and start them again, now and at boot: their sessions end, and changes that
were made to drop-ins by hand take effect. Scripts that run go on. BMCs that are down
are started.`,
		Example: `  shipmi restart node-0
  shipmi restart --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.manage(ctx, selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
				if err := checkFiles(bmcs); err != nil {
					return err
				}
				stopped, err := stop(ctx, s, bmcs)
				if stopped == nil {
					return err
				}
				return errors.Join(err, a.start(ctx, s, stopped, wait))
			})
		},
	}
	selected.addTo(cmd, a)
	addWaitFlag(cmd, &wait)
	return cmd
}
