package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) deleteCommand() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:        "delete NAME...",
		SuggestFor: []string{"remove", "rm", "del"},
		Short:      "Stop BMCs and delete all that is kept for them",
		Long: `Stop BMCs and delete all that is kept for them: settings, credentials, sessions and
boot options. Providers stay, and so do the machines behind the BMCs.`,
		Example: `  shipmi delete node-0
  shipmi delete node-0 node-1 node-2
  shipmi delete 'rack-3-*'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.manage(cmd.Context(), s.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
				return a.delete(cmd.Context(), s, bmcs)
			})
		},
	}
	s.addTo(cmd, a)
	return cmd
}

func (a *app) delete(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	if err := a.idle(bmcs); err != nil {
		return err
	}
	stopped, err := stop(ctx, s, bmcs)
	if stopped == nil {
		return err
	}
	for _, b := range stopped {
		failure := a.idle([]units.BMC{b}) // one may have begun since
		if failure == nil {
			failure = a.store.Delete(b.Name)
		}
		err = errors.Join(err, failure)
	}
	return errors.Join(err, s.Reload(ctx))
}

// idle reports BMCs with a script that runs. It would go on without them, and be
// forgotten: another BMC of the same machine would get in its way.
func (a *app) idle(bmcs []units.BMC) error {
	var errs []error
	for _, b := range bmcs {
		files, err := a.store.ActionFiles(b.Name)
		errs = append(errs, err)
		for _, file := range files {
			if group := provider.Running(file); group != 0 {
				errs = append(errs, hint(fmt.Errorf("%s: a script of it still runs", b.Name),
					`wait for its end, see "shipmi logs %s", or end it with kill -KILL -- -%d`, b.Name, group))
			}
		}
	}
	return errors.Join(errs...)
}
