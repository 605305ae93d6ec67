package main

import "github.com/spf13/cobra"

func (a *app) disableCommand() *cobra.Command {
	return a.bootCommand(&cobra.Command{
		Use:   "disable NAME...",
		Short: "Do not start BMCs at boot",
		Long: `Do not start BMCs at boot. Whether they run now does not change: "shipmi stop" stops
them now, too.`,
		Example: `  shipmi disable 'rack-3-*'`,
	}, serviceManager.Disable)
}
