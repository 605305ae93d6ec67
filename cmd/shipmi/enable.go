package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) enableCommand() *cobra.Command {
	return a.bootCommand(&cobra.Command{
		Use:   "enable NAME...",
		Short: "Start BMCs at boot",
		Long: `Start BMCs at boot. Whether they run now does not change: "shipmi start" starts them
now, too.`,
		Example: `  shipmi enable node-0`,
	}, func(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
		return s.Enable(ctx, sockets(bmcs))
	})
}

// bootCommand completes a command that changes what happens at boot.
func (a *app) bootCommand(cmd *cobra.Command, order func(context.Context, serviceManager, []units.BMC) error) *cobra.Command {
	var selected selection
	selected.addTo(cmd, a)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.manage(ctx, selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
			return errors.Join(order(ctx, s, bmcs), s.Reload(ctx))
		})
	}
	return cmd
}
