package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
)

// What run returns.
const (
	exitOK    = 0
	exitError = 1 // what was asked for could not be done
	exitUsage = 2 // what was asked for could not be understood

	exitInterrupted = 130 // as shells have it
)

// rootCommand returns the whole command, which does nothing yet.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "shipmi",
		Short: "Manage virtual BMCs that run shell scripts on IPMI commands",
		Long: `ShIPMI makes anything that a shell script can switch look like a server with
IPMI over LAN. systemd listens for each BMC and starts it when a packet comes.`,
		Example: `  shipmi add node-0 --provider dummy
  shipmi start node-0
  ipmitool -I lanplus -U admin -P password -H 127.0.0.1 power on
  shipmi list`,
		Version:       version,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.DisableSuggestions = true // which are not in our form, see misunderstood
	a.addScopeFlags(root.PersistentFlags())
	root.PersistentFlags().BoolP("help", "h", false, "say what a command does, with examples")
	root.Flags().BoolP("version", "v", false, "print the version")
	root.AddCommand(
		a.addCommand(), a.setCommand(), a.deleteCommand(), a.startCommand(), a.stopCommand(), a.enableCommand(),
		a.disableCommand(), a.listCommand(), a.showCommand(), a.logsCommand(), a.userCommand(), a.kgCommand(),
		a.providersCommand(), a.importCommand(), a.checkCommand(), a.checkScriptsCommand(), a.doctorCommand(),
	)
	addHelpCommand(root)
	return root
}

// run does what the command line says, reports errors on stderr and returns the
// exit status.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	if slices.Index(args, cobra.ShellCompRequestCmd) == 0 {
		plainUsage(root)
	}
	status := exitUsage
	wrap(root, func(do runner) runner {
		return func(cmd *cobra.Command, words []string) error {
			status = exitError
			if a.host != "" {
				return a.remote(root, args)
			}
			return do(cmd, words)
		}
	})

	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		err, status = errors.New("interrupted"), exitInterrupted
	case status == exitUsage:
		err = misunderstood(command, err)
	}
	a.report(err)
	return status
}

type runner func(*cobra.Command, []string) error

// wrap puts something around what cmd, and the commands below it, do.
func wrap(cmd *cobra.Command, around func(runner) runner) {
	for _, below := range cmd.Commands() {
		wrap(below, around)
	}
	if cmd.RunE != nil {
		cmd.RunE = around(cmd.RunE)
	}
}

// oneName and nameAndUser are arguments that commands take.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the name of one BMC, got %d", len(args))
	}
	return instance.CheckName(args[0])
}

func nameAndUser(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want the name of a BMC and the name of a user, got %d", len(args))
	}
	return instance.CheckName(args[0])
}
