//go:build docs

// With the build tag "docs" this is the program that writes man pages and shell
// completions: go run -tags docs ./cmd/shipmi DIR VERSION DATE
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	manDir       = "docs/man"
	providerText = "contrib/providers/README.md"
)

// A link leads nowhere from an installed page; the document that it is in is named.
var link = regexp.MustCompile(`\[([^]]*)\]\((?:\.\./)*(docs/[^)#]*)[^)]*\)`)

func main() {
	if err := writeDocs(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "shipmi docs: error:", err)
		os.Exit(1)
	}
}

func writeDocs(dir, version, date string) error {
	root := new(app).rootCommand()
	provider, err := os.ReadFile(providerText)
	if err != nil {
		return err
	}
	_, provider, _ = bytes.Cut(provider, []byte("\n")) // without its title
	provider = link.ReplaceAll(provider, []byte("$1 ($2)"))
	facts := map[string]any{
		"Version": version, "Date": date, "Root": root, "Commands": leaves(root), "Provider": unfold(string(provider)),
	}
	pages, err := template.New("").Funcs(template.FuncMap{"prose": prose, "code": code, "options": options}).
		ParseGlob(filepath.Join(manDir, "*"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, page := range pages.Templates() {
		var text bytes.Buffer
		if err := page.Execute(&text, facts); err != nil {
			return err
		}
		name, isMarkdown := strings.CutSuffix(page.Name(), ".md")
		roff := text.Bytes()
		if isMarkdown {
			roff = md2man.Render(roff)
		}
		if err := os.WriteFile(filepath.Join(dir, name), roff, 0o644); err != nil {
			return err
		}
	}
	return errors.Join(
		root.GenBashCompletionFileV2(filepath.Join(dir, "shipmi.bash"), true),
		root.GenZshCompletionFile(filepath.Join(dir, "_shipmi")),
		root.GenFishCompletionFile(filepath.Join(dir, "shipmi.fish"), true),
	)
}

// leaves returns the commands that have no commands below them.
func leaves(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, below := range cmd.Commands() {
		switch {
		case below.Hidden, below.Name() == "help", below.Name() == "completion": // whose files are installed
		case below.HasSubCommands():
			all = append(all, leaves(below)...)
		default:
			all = append(all, below)
		}
	}
	return all
}

// unfold makes a list of each Markdown table, whose cells are too long for a terminal.
// An empty first cell stands for that above it.
func unfold(markdown string) string {
	var lines, above []string
	for line := range strings.SplitSeq(markdown, "\n") {
		cells, isRow := strings.CutPrefix(line, "|")
		switch {
		case !isRow:
			above = nil
		case strings.HasPrefix(cells, " --"):
			lines = lines[:len(lines)-1] // the header
			continue
		default:
			row := strings.Split(strings.TrimSuffix(cells, "|"), "|")
			for i := range row {
				row[i] = strings.TrimSpace(row[i])
			}
			if row[0] == "" {
				row[0] = above[0]
			}
			above = row
			last := len(row) - 1
			line = "- " + strings.TrimSuffix(strings.Join(row[:last], " ")+": "+row[last], ": ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// escape guards what has a meaning in roff (groff_man(7)).
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// prose formats a help text, in which what is indented keeps its form.
func prose(help string) string {
	var b strings.Builder
	for block := range strings.SplitSeq(help, "\n\n") {
		if strings.HasPrefix(block, "  ") {
			b.WriteString(code(block))
		} else {
			b.WriteString(".PP\n" + escape(block) + "\n")
		}
	}
	return b.String()
}

func code(help string) string { return ".PP\n.nf\n" + escape(help) + "\n.fi\n" }

func options(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		b.WriteString(".TP\n")
		if flag.Shorthand != "" {
			b.WriteString(`\fB\-` + flag.Shorthand + `\fP, `)
		}
		b.WriteString(`\fB` + escape("--"+flag.Name) + `\fP`)
		value, usage := pflag.UnquoteUsage(flag)
		if value != "" {
			b.WriteString(` \fI` + escape(strings.ToUpper(value)) + `\fP`)
		}
		b.WriteString("\n" + escape(usage))
		if !slices.Contains([]string{"", "false", "0s", "[]"}, flag.DefValue) {
			b.WriteString(" (default " + escape(flag.DefValue) + ")")
		}
		b.WriteString("\n")
	})
	return b.String()
}
