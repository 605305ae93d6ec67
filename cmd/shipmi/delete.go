package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) deleteCommand() *cobra.Command {
	var selected selection
	cmd := &cobra.Command{
		Use:        "delete NAME...",
		Aliases:    []string{"rm"},
		SuggestFor: []string{"remove", "del"},
		Short:      "Stop BMCs and delete everything that is stored for them",
		Long: `Stop BMCs and delete everything that is stored for them: settings, credentials,
sessions and boot options. Providers and the managed machines are left alone.`,
		Example: `  shipmi delete node-0
  shipmi delete node-0 node-1 node-2
  shipmi delete 'rack-3-*'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.manage(cmd.Context(), selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
				return a.delete(cmd.Context(), s, bmcs)
			})
		},
	}
	selected.addTo(cmd, a)
	return cmd
}

func (a *app) delete(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	if err := a.checkIdle(bmcs); err != nil {
		return err
	}
	stopped, err := stop(ctx, s, bmcs)
	if stopped == nil {
		return err
	}
	for _, b := range stopped {
		failure := a.checkIdle([]units.BMC{b}) // a script may have started since
		if failure == nil {
			failure = a.store.Delete(b.Name)
		}
		err = errors.Join(err, failure)
	}
	return errors.Join(err, s.Reload(ctx))
}
