package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// completeNames proposes names of BMCs that are not on the command line yet.
func (a *app) completeNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := a.store.Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) })
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeProvider proposes providers; a file that ends in .conf is one too.
func (a *app) completeProvider(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	entries, err := a.listProviders()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	return names, cobra.ShellCompDirectiveDefault
}
