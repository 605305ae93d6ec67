package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) stopCommand() *cobra.Command {
	var selected selection
	cmd := &cobra.Command{
		Use:   "stop NAME...",
		Short: "Stop BMCs until they are started again",
		Long: `Stop BMCs: they no longer listen, their sessions end, and they do not start at boot.
The managed machines stay on or off as they are.

This is "systemctl disable --now". "shipmi disable" and "systemctl stop" do one half
of it each.`,
		Example: `  shipmi stop node-0
  shipmi stop node-0 node-1 node-2
  shipmi stop --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.manage(ctx, selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
				stopped, err := stop(ctx, s, bmcs)
				if stopped == nil {
					return err
				}
				finish := context.WithoutCancel(ctx) // a stopped BMC must not start at boot
				return errors.Join(err, a.disable(finish, s, stopped), s.Reload(finish))
			})
		},
	}
	selected.addTo(cmd, a)
	return cmd
}

// stop stops the sockets and the processes of BMCs, and returns the BMCs that it stopped.
// The error names the others.
func stop(ctx context.Context, s serviceManager, bmcs []units.BMC) (stopped []units.BMC, err error) {
	failed := s.Stop(ctx, append(sockets(bmcs), services(bmcs)...))
	for _, b := range bmcs {
		failure := cmp.Or(failed[units.SocketUnit(b.Name)], failed[units.ServiceUnit(b.Name)])
		if failure != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", b.Name, failure))
			continue
		}
		stopped = append(stopped, b)
	}
	return stopped, err
}
