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
		Short: "Have BMCs start with the host",
		Long: `Have BMCs start with the host from the next time on. Whether they run now stays as
it is: "shipmi start" does both.`,
		Example: `  shipmi enable node-0`,
	}, serviceManager.Enable)
}

func (a *app) disableCommand() *cobra.Command {
	return a.bootCommand(&cobra.Command{
		Use:   "disable NAME...",
		Short: "Have BMCs not start with the host",
		Long: `Have BMCs not start with the host any more. Whether they run now stays as it is:
"shipmi stop" does both.`,
		Example: `  shipmi disable 'rack-3-*'`,
	}, serviceManager.Disable)
}

// bootCommand completes a command that changes what happens when the host boots.
func (a *app) bootCommand(cmd *cobra.Command, order func(serviceManager, context.Context, []string) error) *cobra.Command {
	var selected selection
	selected.addTo(cmd, a)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.manage(ctx, selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
			return errors.Join(order(s, ctx, sockets(bmcs)), s.Reload(ctx))
		})
	}
	return cmd
}
