package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/shipmi/shipmi/internal/settings"
)

// Every command explains itself and has an example, and every flag says what it does.
func TestHelp(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		require.Contains(t, cmd.Example, "  "+cmd.CommandPath(), "an example of %s", cmd.CommandPath())
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			require.NotEmpty(t, flag.Usage, "%s --%s", cmd.CommandPath(), flag.Name)
		})
		for _, below := range cmd.Commands() {
			visit(below)
		}
	}
	visit(new(app).rootCommand())
}

// Every command of the help is in a group, and the flags of add are in sections.
func TestGroups(t *testing.T) {
	root := new(app).rootCommand()
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() && !slices.Contains([]string{"version", "help"}, cmd.Name()) {
			require.NotEmpty(t, cmd.GroupID, cmd.Name())
		}
	}
	add, _, err := root.Find([]string{"add"})
	require.NoError(t, err)
	var titles []string
	for _, s := range sectionsOf(add.LocalNonPersistentFlags()) {
		titles = append(titles, s.title)
	}
	require.Equal(t, append(slices.Clone(settings.Sections), "Other flags"), titles)
}

// Every command line in the help is one that the commands accept: names, flags, their values, and how they go together.
func TestExamples(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			for _, words := range callsOfShipmi(t, line) {
				root := new(app).rootCommand()
				wrap(root, func(runner) runner { return func(*cobra.Command, []string) error { return nil } })
				root.SetArgs(settings.JoinOptional(words))
				require.NoError(t, root.Execute(), line)
			}
		}
		for _, below := range cmd.Commands() {
			visit(below)
		}
	}
	visit(new(app).rootCommand())
}

// callsOfShipmi returns the arguments of each call of shipmi in a line for a shell, as bash passes them.
func callsOfShipmi(t *testing.T, line string) (calls [][]string) {
	file, err := syntax.NewParser().Parse(strings.NewReader(line), "")
	require.NoError(t, err, line)
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, isCall := node.(*syntax.CallExpr); isCall {
			words, err := expand.Fields(nil, call.Args...)
			require.NoError(t, err, line)
			if i := slices.Index(words, "shipmi"); i >= 0 {
				calls = append(calls, words[i+1:])
			}
		}
		return true
	})
	return calls
}
