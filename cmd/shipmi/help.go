package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/settings"
)

// A section is flags that belong together.
type section struct {
	title string
	flags *pflag.FlagSet
}

// sectionsOf returns the flags of a command in sections, in the order of their first flags.
// Flags that name no section come last.
func sectionsOf(flags *pflag.FlagSet) []section {
	var sections []section
	rest := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.VisitAll(func(flag *pflag.Flag) {
		titles := flag.Annotations[settings.Section]
		if titles == nil {
			rest.AddFlag(flag)
			return
		}
		for _, s := range sections {
			if s.title == titles[0] {
				s.flags.AddFlag(flag)
				return
			}
		}
		s := section{titles[0], pflag.NewFlagSet("", pflag.ContinueOnError)}
		s.flags.AddFlag(flag)
		sections = append(sections, s)
	})
	return append(sections, section{"Other flags", rest})
}

// sectionedUsage prints the usage of a command with many flags, as cobra does, but with the
// flags in sections.
func sectionedUsage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n\nExamples:\n%s\n", cmd.UseLine(), cmd.Example)
	for _, s := range sectionsOf(cmd.LocalFlags()) {
		fmt.Fprintf(&b, "\n%s:\n%s", s.title, s.flags.FlagUsages())
	}
	fmt.Fprintf(&b, "\nGlobal Flags:\n%s", cmd.InheritedFlags().FlagUsages())
	_, err := fmt.Fprint(cmd.OutOrStderr(), b.String())
	return err
}
