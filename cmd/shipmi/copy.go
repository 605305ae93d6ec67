package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) copyCommand() *cobra.Command {
	var flags settings.Flags
	cmd := &cobra.Command{
		Use:        "copy OLD NEW",
		SuggestFor: []string{"cp", "clone"},
		Short:      "Add a BMC with the settings of another one",
		Long: `Add a BMC with the settings, the users, the BMC key and your drop-ins of another BMC,
except for what the flags change. Give at least --port or --address. If both BMCs have
the same address and Redfish, give --redfish, too. The new BMC does not listen until
"shipmi start" starts it.

Parameters of the provider that are set for the old BMC stay the same: give --set, or the
new BMC switches the same machine. A parameter that is not set has its default, which for
many providers is the name of the BMC.`,
		Example: `  shipmi copy node-1 node-2 --port 6232
  shipmi copy node-1 web --port 6233 --set domain=web --generate-password`,
		Args:              twoNames,
		ValidArgsFunction: a.completeName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.copy(cmd.Context(), args[0], args[1], &flags)
		},
	}
	flags.AddPartialFlags(cmd, &a.host)
	return cmd
}

// twoNames checks the names of a BMC and of a BMC that does not exist yet.
func twoNames(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want two names, got %d", len(args))
	}
	for _, name := range args {
		if err := instance.CheckName(name); err != nil {
			return err
		}
	}
	if args[0] == args[1] {
		return fmt.Errorf("%q is named twice", args[0])
	}
	return nil
}

func (a *app) copy(ctx context.Context, from, to string, flags *settings.Flags) error {
	config, err := a.host.LoadConfig()
	if err != nil {
		return err
	}
	if _, err := a.findBMCs(from); err != nil {
		return err
	}
	change, err := flags.Change(ctx, a.host, config, &a.Terminal, 1)
	if err != nil {
		return err
	}
	var added units.BMC
	err = a.store.Copy(from, to, func(b *units.BMC, c *instance.Credentials) error {
		if err := change.BMC(b); err != nil {
			return err
		}
		added = *b
		return change.Credentials(to, c)
	}, func() error {
		if _, err := a.certify(ctx, []units.BMC{added}); err != nil {
			return err
		}
		return a.reload(ctx)
	})
	if err != nil {
		return err
	}
	a.warnSameMachine(from, added, flags)
	a.warnPassword([]units.BMC{added}, change.Password())
	a.warnUntrusted([]units.BMC{added})
	a.explainRedfish([]units.BMC{added})
	return a.printGenerated(change)
}

// warnSameMachine warns of a copy whose parameters are all those of the other BMC.
func (a *app) warnSameMachine(from string, added units.BMC, flags *settings.Flags) {
	isProvider := func(name string) bool {
		return name == "set" || name == "unset" || name == "provider" || name == "reset-parameters"
	}
	for _, name := range flags.Given() {
		if isProvider(name) {
			return
		}
	}
	if len(added.Parameters) > 0 {
		a.Warn("%q has the parameters of %q, and switches the same machine if they name it: %v", added.Name, from, settings.Parameters(added.Parameters))
	}
}
