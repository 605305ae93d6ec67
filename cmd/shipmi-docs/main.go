// Command shipmi-docs writes the man pages and the shell completions. The pages are
// templates in docs/man. What the commands say about themselves comes from shipmi, which it
// builds for that. It runs in the root of the repository:
//
//	go run ./cmd/shipmi-docs DIRECTORY VERSION DATE
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/cpuguy83/go-md2man/v2/md2man"

	"github.com/shipmi/shipmi/internal/event"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: shipmi-docs DIRECTORY VERSION DATE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "shipmi-docs: error:", err)
		os.Exit(1)
	}
}

func run(dir, version, date string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	programs, err := os.MkdirTemp("", "shipmi-docs-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(programs)
	if _, err := output("go", "build", "-o", programs+"/", "./cmd/shipmi", "./cmd/shipmi-bmc", "./cmd/shipmi-gateway"); err != nil {
		return err
	}
	return errors.Join(writePages(dir, version, date, programs), writeCompletions(dir, filepath.Join(programs, "shipmi")))
}

// output returns the standard output of a command. Its standard error passes through.
func output(command ...string) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return out, nil
}

// writePages writes the man pages of the programs in a directory. Templates whose names end in .md are Markdown.
func writePages(dir, version, date, programs string) error {
	shipmi := filepath.Join(programs, "shipmi")
	reference, err := output(shipmi, "reference")
	if err != nil {
		return err
	}
	provider, err := providerText()
	if err != nil {
		return err
	}
	topics, err := output(shipmi, "help", "topics")
	if err != nil {
		return err
	}
	bmc, err := programHelp(filepath.Join(programs, "shipmi-bmc"))
	if err != nil {
		return err
	}
	gateway, err := programHelp(filepath.Join(programs, "shipmi-gateway"))
	if err != nil {
		return err
	}
	facts := map[string]any{
		"Version": version, "Date": date, "Reference": string(reference), "Provider": provider, "Events": event.Kinds, "Topics": definitions(string(topics)),
		"BMC": bmc, "Gateway": gateway,
	}
	pages, err := template.ParseGlob("docs/man/*")
	if err != nil {
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
			roff = useMinusSigns(md2man.Render(roff))
		}
		if err := os.WriteFile(filepath.Join(dir, name), roff, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A help is the lists in --help of a program that systemd starts, as lists in roff.
type help struct {
	Environment, Status string
}

// programHelp returns the help of a program.
func programHelp(program string) (help, error) {
	text, err := output(program, "--help")
	if err != nil {
		return help{}, err
	}
	_, lists, _ := strings.Cut(string(text), "\nEnvironment ")
	environment, status, found := strings.Cut(lists, "\nExit status:\n")
	if !found {
		return help{}, fmt.Errorf("%s --help lists no environment or no exit status", program)
	}
	return help{roffList(environment), roffList(status)}, nil
}

var (
	// entry matches the first line of an entry of a list: names, perhaps a default in parentheses, and the meaning, which
	// follows in the next line if the names are long.
	entry     = regexp.MustCompile(`^  ([^\s,]+(?:, [^\s,]+)*)(?: +\(([^)]+)\))?(?: +(.*))?$`)
	entryName = regexp.MustCompile(`[^, ]+`)
)

// roffList makes a list in roff of the indented entries of a text, whose further lines are indented deeper.
func roffList(text string) string {
	var list []string
	var byDefault string
	finish := func() {
		if byDefault != "" {
			list[len(list)-1] += " (default: " + byDefault + ")"
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if match := entry.FindStringSubmatch(line); match != nil {
			finish()
			byDefault = match[2]
			list = append(list, ".TP", entryName.ReplaceAllString(match[1], `\fB$0\fP`), match[3])
		} else if more, indented := strings.CutPrefix(line, "   "); indented {
			list[len(list)-1] = strings.TrimSpace(list[len(list)-1] + " " + strings.TrimSpace(more))
		}
	}
	finish()
	return strings.ReplaceAll(strings.Join(list, "\n"), "-", `\-`)
}

// definitions makes a list of definitions of lines that begin with the word that they define.
func definitions(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		word, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		fmt.Fprintf(&b, "**%s**\n: %s\n\n", word, strings.TrimSpace(meaning))
	}
	return b.String()
}

// hyphens matches the hyphens in the text of a page, in the first group, and the requests
// and escapes that are left alone.
var hyphens = regexp.MustCompile(`(?m)^\.(?:TH|nh).*$|\\-|(-)`)

// useMinusSigns makes hyphens minus signs, which groff_man(7) requires of everything that
// readers search for or copy, such as options.
func useMinusSigns(roff []byte) []byte {
	return hyphens.ReplaceAllFunc(roff, func(match []byte) []byte {
		if string(match) == "-" {
			return []byte(`\-`)
		}
		return match
	})
}

// link matches a link to a document. A reader of a man page cannot follow it, but finds the
// document by its name.
var link = regexp.MustCompile(`\[([^]]*)\]\((?:\.\./)*(docs/[^)#]*)[^)]*\)`)

// providerText returns the description of provider files, without its title.
func providerText() (string, error) {
	text, err := os.ReadFile("contrib/providers/README.md")
	if err != nil {
		return "", err
	}
	_, body, _ := strings.Cut(string(text), "\n")
	return unfoldTables(link.ReplaceAllString(body, "$1 ($2)")), nil
}

// unfoldTables makes lists of Markdown tables, whose cells are too long for a terminal. An
// empty first cell means the one above it.
func unfoldTables(markdown string) string {
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

// writeCompletions writes the completions of three shells.
func writeCompletions(dir, shipmi string) error {
	for shell, name := range map[string]string{"bash": "shipmi.bash", "zsh": "_shipmi", "fish": "shipmi.fish"} {
		text, err := output(shipmi, "completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
