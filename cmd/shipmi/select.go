package main

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

// A selection is the BMCs that a command works on: names, patterns as those of a
// shell, or all.
type selection struct{ all bool }

// addTo has a command take a selection.
func (s *selection) addTo(cmd *cobra.Command, a *app) {
	cmd.Flags().BoolVar(&s.all, "all", false, "take all BMCs")
	cmd.Args = s.args
	cmd.ValidArgsFunction = a.completeNames
}

// args checks the arguments of a command.
func (s *selection) args(cmd *cobra.Command, args []string) error {
	switch {
	case s.all && len(args) > 0:
		return errors.New("want names or --all, not both")
	case !s.all && len(args) == 0:
		return errors.New("want the name of a BMC")
	}
	return patterns(cmd, args)
}

// patterns returns what the arguments ask for.
func (s *selection) patterns(args []string) []string {
	if s.all {
		return []string{"*"}
	}
	return args
}

// find returns the BMCs that have one of the names or match one of the patterns.
func (a *app) find(patterns ...string) ([]units.BMC, error) {
	bmcs, err := a.store.Find(patterns...)
	if !errors.Is(err, units.ErrNotExist) {
		return bmcs, err
	}
	names, listErr := a.store.Names()
	if listErr != nil {
		return nil, listErr
	}
	if names == nil {
		return nil, hint(errors.New("there are no BMCs"), `"shipmi add" adds one`)
	}
	return nil, mistyped(err, names, patterns...)
}

// patterns checks arguments that are names or patterns.
func patterns(_ *cobra.Command, args []string) error {
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
