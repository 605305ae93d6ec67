package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

// restorePowerCommand returns the command that shipmi-restore.service runs.
func (a *app) restorePowerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "restore-power",
		Hidden: true,
		Short:  "Start the processes that have something to do after a boot of the host",
		Long: `Start the processes of BMCs that have something to do after a boot of the host: a power
restore policy to carry out, or a former boot device to set again. shipmi-restore.service
runs this command at the end of the boot. BMCs that do not start at boot or do not listen
are left alone. A second time, nothing happens.`,
		Example:           `  shipmi restore-power`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.restorePower(cmd.Context())
		},
	}
}

func (a *app) restorePower(ctx context.Context) error {
	names, err := a.store.ToRestore()
	if err != nil || names == nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	var sockets []string
	for _, name := range names {
		sockets = append(sockets, units.SocketUnit(name))
	}
	states, err := s.States(ctx, sockets)
	if err != nil {
		return err
	}
	var services []string
	for i, name := range names {
		if states[sockets[i]] != "active" {
			continue
		}
		if err := a.store.MarkRestore(name); err != nil {
			return err
		}
		services = append(services, units.ServiceUnit(name))
	}
	failed := s.Restart(ctx, services)
	var errs []error
	for _, service := range services {
		if err := failed[service]; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", service, err))
		}
	}
	return errors.Join(errs...)
}
