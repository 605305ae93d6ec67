package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
)

// What run returns.
const (
	exitOK    = 0
	exitError = 1 // what was asked for could not be done
	exitUsage = 2 // what was asked for could not be understood
)

// run does what the command line says, reports errors on stderr and returns the
// exit status.
func (a *app) run(ctx context.Context, args []string) int {
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
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.DisableSuggestions = true
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)

	root.AddCommand(
		a.addCommand(), a.deleteCommand(), a.startCommand(), a.stopCommand(), a.listCommand(), a.showCommand(),
		a.userCommand(), a.kgCommand(), a.providersCommand(),
	)
	status := exitUsage
	whenUnderstood(root, func() { status = exitError })

	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case status == exitUsage:
		err = hint(err, `see "%s --help"`, command.CommandPath())
	}
	a.report(err)
	return status
}

// whenUnderstood has f called before cmd, or a command below it, does what the
// command line says.
func whenUnderstood(cmd *cobra.Command, f func()) {
	for _, below := range cmd.Commands() {
		whenUnderstood(below, f)
	}
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			f()
			return do(cmd, args)
		}
	}
}

// oneName, someNames and nameAndUser are the arguments that commands take.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the name of one BMC, got %d", len(args))
	}
	return instance.CheckName(args[0])
}

func someNames(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want the name of a BMC")
	}
	for _, name := range args {
		if err := instance.CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

func nameAndUser(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want the name of a BMC and the name of a user, got %d", len(args))
	}
	return instance.CheckName(args[0])
}
