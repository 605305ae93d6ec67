package main

import (
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
)

func (a *app) kgCommand() *cobra.Command {
	var (
		kg     settings.Secret
		remove bool
	)
	cmd := &cobra.Command{
		Use:   "kg NAME",
		Short: "Set or remove the BMC key (Kg)",
		Long: `Set or remove the BMC key (Kg), a second secret that clients need in addition to user and
password. The key is a text of at most 20 bytes, or 0x and hex digits; ipmitool takes the
text with -k, and the hex digits with -y. All sessions of the BMC end.`,
		Example: `  shipmi kg node-0 --ask-kg
  shipmi kg node-0 --kg-file /root/kg
  shipmi kg node-0 --remove`,
		Args:              oneName,
		ValidArgsFunction: a.completeName,
		RunE: func(cmd *cobra.Command, args []string) error {
			var key instance.Secret
			if !remove {
				var err error
				if key, err = kg.Read(cmd.Context(), &a.Terminal); err != nil {
					return err
				}
			}
			return a.changeCredentials(cmd.Context(), args[0], func(c *instance.Credentials) error {
				c.Kg = key
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "remove the key, so that clients need none")
	ways := append(kg.AddFlags(cmd.Flags(), "kg"), "remove")
	cmd.MarkFlagsOneRequired(ways...)
	cmd.MarkFlagsMutuallyExclusive(ways...)
	return cmd
}
