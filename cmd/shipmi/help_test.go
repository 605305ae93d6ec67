package main

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/settings"
)

// Every command explains itself and has an example, and every flag says what it does.
func TestHelp(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		if !cmd.HasSubCommands() {
			require.Contains(t, cmd.Example, "  "+cmd.CommandPath(), "an example of %s", cmd.CommandPath())
		}
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
