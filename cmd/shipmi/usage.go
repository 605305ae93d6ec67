package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// misunderstood says what is wrong with a command line, and where to look.
func misunderstood(cmd *cobra.Command, err error) error {
	for _, text := range groupTexts {
		if match := text.cobra.FindStringSubmatch(err.Error()); match != nil {
			err = errors.New(text.ours + " --" + strings.ReplaceAll(match[1], " ", ", --"))
		}
	}
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		var names []string
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() {
				names = append(names, below.Name())
			}
		}
		err = mean(err, names, words[0])
	}
	return hint(err, `see "%s --help"`, cmd.CommandPath())
}

// groupTexts are what cobra says of flags that do not go together, and what we say.
var groupTexts = []struct {
	cobra *regexp.Regexp
	ours  string
}{
	{regexp.MustCompile(`^if any flags .* none of the others can be; \[(.*)\] were all set$`), "want only one of"},
	{regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`), "want one of"},
}

// mean adds the names to an error that somebody may have meant who typed other words.
func mean(err error, names []string, words ...string) error {
	var meant []string
	for _, word := range words {
		if word != "" && !slices.Contains(names, word) {
			meant = append(meant, near(word, names)...)
		}
	}
	if meant == nil {
		return err
	}
	return hint(err, "did you mean %s?", strings.Join(meant, " or "))
}

// fewNames is how many names are still of help.
const fewNames = 3

// near returns the names that differ least from a word, if these are few.
func near(word string, names []string) []string {
	var all cobra.Command
	for _, name := range names {
		all.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	for all.SuggestionsMinimumDistance = range 3 { // letters
		if found := all.SuggestionsFor(word); len(found) > 0 && len(found) <= fewNames {
			return found
		}
	}
	return nil
}

// noArgs is for commands that take none.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("want no name, got %d", len(args))
	}
	return nil
}

// plainUsage takes the marks of values out of the texts of flags, which help and man
// pages understand, and shells print as they are.
func plainUsage(cmd *cobra.Command) {
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		flags.VisitAll(func(flag *pflag.Flag) { _, flag.Usage = pflag.UnquoteUsage(flag) })
	}
	for _, below := range cmd.Commands() {
		plainUsage(below)
	}
}
