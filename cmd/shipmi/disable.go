package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) disableCommand() *cobra.Command {
	return a.bootCommand(&cobra.Command{
		Use:   "disable NAME...",
		Short: "Do not start BMCs at boot",
		Long: `Do not start BMCs at boot. Whether they run now does not change: "shipmi stop" stops
them now, too.`,
		Example: `  shipmi disable 'rack-3-*'`,
	}, a.disable)
}

// disable makes BMCs not start at boot. A caller who may not change the files may still be
// allowed to give systemd the order.
func (a *app) disable(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	err := a.store.Disable(bmcNames(bmcs))
	if errors.Is(err, fs.ErrPermission) {
		return s.Disable(ctx, sockets(bmcs))
	}
	return err
}
