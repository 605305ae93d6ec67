package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List all BMCs",
		Long: `List all BMCs. The status is "running" when systemd listens for the BMC, "down"
when it does not, and "error" when it failed or its files make no sense.`,
		Example: `  shipmi list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.list(cmd.Context())
		},
	}
}

func (a *app) list(ctx context.Context) error {
	bmcs, err := a.store.List()
	if err != nil {
		return err
	}
	status, err := a.statuses(ctx, bmcs)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, b := range bmcs {
		rows = append(rows, []string{b.Name, status[b.Name], addresses(b.Listen), ports(b.Listen), providerName(b.Provider)})
	}
	a.printTable([]string{"Name", "Status", "Address", "Port", "Provider"}, rows, "Name", "Provider")
	for _, b := range bmcs {
		if b.Err != nil {
			a.warn("%s: %v", b.Name, b.Err)
		}
	}
	return nil
}
