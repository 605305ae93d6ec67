package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "reference",
		Short:   "Print all commands and options in Markdown, for the man page",
		Example: "  shipmi reference",
		Hidden:  true,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var b strings.Builder
			root := cmd.Root()
			b.WriteString("# OPTIONS\n\n")
			writeOptions(&b, root.PersistentFlags())
			writeOptions(&b, root.LocalNonPersistentFlags())
			b.WriteString("# COMMANDS\n\n")
			writeCommands(&b, root)
			_, err := io.WriteString(a.Stdout, b.String())
			return err
		},
	}
}

// writeCommands writes a section for each command below cmd that has no commands itself.
func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		switch {
		case below.Hidden, below.Name() == "help", below.Name() == "completion":
		case below.HasSubCommands():
			writeCommands(b, below)
		default:
			fmt.Fprintf(b, "### %s\n\n", markdown.Replace(below.UseLine()))
			writeProse(b, below.Long, below.Short)
			sections := sectionsOf(below.LocalNonPersistentFlags())
			for _, s := range sections {
				if len(sections) > 1 {
					fmt.Fprintf(b, "%s:\n\n", s.title)
				}
				writeOptions(b, s.flags)
			}
			fmt.Fprintf(b, "Examples:\n\n")
			writeVerbatim(b, below.Example)
		}
	}
}

// markdown escapes the characters that have a meaning in Markdown.
var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", `\<`, ">", `\>`, "[", `\[`, "]", `\]`)

// writeProse writes a help text, or the alternative if there is none. Indented paragraphs
// keep their form.
func writeProse(b *strings.Builder, text, alternative string) {
	if text == "" {
		text = alternative
	}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(paragraph, "  ") {
			writeVerbatim(b, paragraph)
		} else {
			b.WriteString(markdown.Replace(paragraph) + "\n\n")
		}
	}
}

func writeVerbatim(b *strings.Builder, text string) { fmt.Fprintf(b, "```\n%s\n```\n\n", text) }

// writeOptions writes flags as a list of definitions.
func writeOptions(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		if flag.Shorthand != "" {
			fmt.Fprintf(b, "**-%s**, ", flag.Shorthand)
		}
		fmt.Fprintf(b, "**--%s**", flag.Name)
		value, usage := pflag.UnquoteUsage(flag)
		if value != "" {
			fmt.Fprintf(b, " *%s*", markdown.Replace(strings.ToUpper(value)))
		}
		fmt.Fprintf(b, "\n: %s", markdown.Replace(usage))
		if !slices.Contains([]string{"", "false", "0s", "[]"}, flag.DefValue) {
			fmt.Fprintf(b, " (default %s)", markdown.Replace(flag.DefValue))
		}
		b.WriteString("\n\n")
	})
}
