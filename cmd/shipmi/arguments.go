package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

// A selection is the BMCs that a command works on: names and patterns, or all.
type selection struct{ all bool }

// addTo makes a command take a selection as its arguments.
func (s *selection) addTo(cmd *cobra.Command, a *app) {
	cmd.Flags().BoolVar(&s.all, "all", false, "select all BMCs")
	cmd.Args = s.check
	cmd.ValidArgsFunction = a.completeNames
}

// check checks the arguments of a command.
func (s *selection) check(cmd *cobra.Command, args []string) error {
	switch {
	case s.all && len(args) > 0:
		return errors.New("want names or --all, not both")
	case !s.all && len(args) == 0:
		return errors.New("want the name of a BMC")
	}
	return checkPatterns(cmd, args)
}

// patterns returns the selected names and patterns.
func (s *selection) patterns(args []string) []string {
	if s.all {
		return []string{"*"}
	}
	return args
}

// checkPatterns checks arguments that are names or patterns.
func checkPatterns(_ *cobra.Command, args []string) error {
	for _, arg := range args {
		if !strings.ContainsAny(arg, `*?[`) {
			if err := instance.CheckName(arg); err != nil {
				return err
			}
		} else if _, err := path.Match(arg, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", arg, err)
		}
	}
	return nil
}

// oneName checks the argument of a command that takes the name of one BMC.
func oneName(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the name of one BMC, got %d", len(args))
	}
	return instance.CheckName(args[0])
}

// noArguments is for commands without arguments.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("want no name, got %d", len(args))
	}
	return nil
}

// findBMCs returns the BMCs with one of the names or patterns.
func (a *app) findBMCs(patterns ...string) ([]units.BMC, error) {
	bmcs, err := a.store.Find(patterns...)
	if !errors.Is(err, units.ErrNotExist) {
		return bmcs, err
	}
	names, listErr := a.store.Names()
	if listErr != nil {
		return nil, listErr
	}
	if names == nil {
		return nil, hint.Add(errors.New("there are no BMCs"), `"shipmi add" adds one`)
	}
	return nil, hint.DidYouMean(err, patterns, names)
}

// manage calls do with the BMCs with one of the names or patterns, and with a connection to
// systemd.
func (a *app) manage(ctx context.Context, patterns []string, do func(serviceManager, []units.BMC) error) error {
	bmcs, err := a.findBMCs(patterns...)
	if err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s, bmcs)
}

// allOr returns the BMCs with one of the names or patterns, or all BMCs if there are none.
func (a *app) allOr(patterns []string) ([]units.BMC, error) {
	if len(patterns) == 0 {
		return a.store.List()
	}
	return a.findBMCs(patterns...)
}

// states asks systemd for the states of units.
func (a *app) states(ctx context.Context, units []string) (map[string]string, error) {
	s, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.States(ctx, units)
}

// bmcNames returns the names of BMCs.
func bmcNames(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, b.Name)
	}
	return names
}

// sockets returns the names of the socket units of BMCs.
func sockets(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, units.SocketUnit(b.Name))
	}
	return names
}

// services returns the names of the services of BMCs.
func services(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, units.ServiceUnit(b.Name))
	}
	return names
}

// completeNames proposes names of BMCs that are not on the command line yet.
func (a *app) completeNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := a.store.Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) })
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeName proposes the name of one BMC.
func (a *app) completeName(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeNames(cmd, args, prefix)
}
