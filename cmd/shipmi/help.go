package main

import (
	"fmt"
	"slices"
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

// sectionsOf returns the flags of a command in sections, in the order of settings.Sections.
// Flags that name no section come last.
func sectionsOf(flags *pflag.FlagSet) []section {
	bySection := make(map[string]*pflag.FlagSet)
	flags.VisitAll(func(flag *pflag.Flag) {
		title := otherFlags
		if annotation := flag.Annotations[settings.Section]; annotation != nil {
			title = annotation[0]
		}
		if bySection[title] == nil {
			bySection[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
		}
		bySection[title].AddFlag(flag)
	})
	var sections []section
	for _, title := range append(slices.Clone(settings.Sections), otherFlags) {
		if found := bySection[title]; found != nil {
			sections = append(sections, section{title, found})
		}
	}
	return sections
}

const otherFlags = "Other flags"

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
