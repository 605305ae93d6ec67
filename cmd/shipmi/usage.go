package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

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
	err = hint(err, `see "%s --help"`, cmd.CommandPath())
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		err = meant(err, near(words[0], cmd))
	}
	return err
}

// groupTexts are what cobra says of flags that do not go together, and what we say.
var groupTexts = []struct {
	cobra *regexp.Regexp
	ours  string
}{
	{regexp.MustCompile(`^if any flags .* none of the others can be; \[(.*)\] were all set$`), "want only one of"},
	{regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`), "want one of"},
}

// mistyped adds to an error the names that somebody may have meant who typed words.
func mistyped(err error, names []string, words ...string) error {
	var found []string
	for _, word := range words {
		if word == "" || slices.Contains(names, word) {
			continue
		}
		var others cobra.Command // it knows how to find what is near
		for _, name := range names {
			if unnumbered(name) != unnumbered(word) { // another number is no slip
				others.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
			}
		}
		found = append(found, near(word, &others)...)
	}
	return meant(err, found)
}

// unnumbered returns a name without digits.
func unnumbered(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, name)
}

func meant(err error, names []string) error {
	if names == nil {
		return err
	}
	return hint(err, "did you mean %s?", strings.Join(names, " or "))
}

const (
	fewNames   = 3 // are still of help
	fewLetters = 2 // may be wrong, but no more than half of all
)

// near returns those of the commands below cmd that differ least from a word, if they
// are few.
func near(word string, cmd *cobra.Command) []string {
	for letters := range min(fewLetters, len(word)/2) + 1 {
		cmd.SuggestionsMinimumDistance = letters
		if found := cmd.SuggestionsFor(word); len(found) > 0 && len(found) <= fewNames {
			return found
		}
	}
	return nil
}

// addHelpCommand adds cobra's, and has it say what it does not know.
func addHelpCommand(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Short, help.Long, help.Example = "Say what a command does, with examples", "", "  shipmi help list"
	help.Run = nil
	help.RunE = func(_ *cobra.Command, words []string) error {
		cmd, unknown, err := root.Find(words)
		if err == nil && len(unknown) > 0 {
			err = meant(fmt.Errorf("unknown command %q for %q", unknown[0], cmd.CommandPath()), near(unknown[0], cmd))
		}
		if err != nil {
			return err
		}
		return cmd.Help()
	}
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
