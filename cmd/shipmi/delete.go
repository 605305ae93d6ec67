package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func (a *app) deleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME...",
		Short: "Stop BMCs and delete all that is kept for them",
		Long: `Stop BMCs and delete all that is kept for them: settings, credentials, sessions and
boot options. Providers stay, and so do the machines behind the BMCs.`,
		Example: `  shipmi delete node-0
  shipmi delete node-0 node-1 node-2`,
		Args: someNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.delete(cmd.Context(), args)
		},
	}
}

func (a *app) delete(ctx context.Context, names []string) error {
	bmcs, err := a.store.Find(names...)
	if err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	stopped, err := stop(ctx, s, bmcs)
	if stopped == nil {
		return err
	}
	for _, b := range stopped {
		err = errors.Join(err, a.store.Delete(b.Name))
	}
	return errors.Join(err, s.Reload(ctx))
}
