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

// completeName proposes the name of one BMC.
func (a *app) completeName(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeNames(cmd, args, prefix)
}

// completeNameAndUser proposes the name of one BMC, and then its users.
func (a *app) completeNameAndUser(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return a.completeName(cmd, args, prefix)
	}
	c, err := a.store.Credentials(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, u := range c.Users {
		names = append(names, u.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeProvider proposes providers; a file that ends in .conf is one too.
func (a *app) completeProvider(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := a.providerNames()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeParameter proposes parameters of a provider.
func (a *app) completeParameter(name string) ([]cobra.Completion, cobra.ShellCompDirective) {
	p, err := a.findProvider(name, "")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var parameters []cobra.Completion
	for _, parameter := range p.Parameters {
		parameters = append(parameters, cobra.CompletionWithDesc(parameter.Name+"=", parameter.Help))
	}
	return parameters, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
