package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/shipmi/shipmi/internal/check"
)

// forPeople tells whether there is to be a paragraph for each script, and no listing.
func (c *checker) forPeople() bool { return c.output.format.name == "table" && c.output.columns == nil }

// printResults prints what came of all scripts.
func (c *checker) printResults() error {
	if c.forPeople() {
		return nil
	}
	l := listing{columns: []column{
		{name: "verb", title: "Verb", left: true},
		{name: "took", title: "Took"},
		{name: "exit", title: "Exit"},
		{name: "error", title: "Error", left: true},
		{name: "code", title: "Code"},
		{name: "client", title: "Client", left: true},
		{name: "script", title: "Script", left: true, wide: true},
		{name: "stdout", title: "Stdout", left: true, wide: true},
		{name: "stderr", title: "Stderr", left: true, wide: true},
	}}
	for _, r := range c.results {
		var exit any
		if r.Exit >= 0 {
			exit = r.Exit
		}
		l.rows = append(l.rows, []any{string(r.Verb), took(r), exit, r.Error, int(r.Code), r.Client, r.Script, r.Stdout, r.Stderr})
	}
	return c.print(&c.output, l)
}

func took(r check.Result) string { return r.Took.Round(time.Millisecond).String() }

func (c *checker) printResult(r check.Result) {
	ended, colour := "done", text.FgGreen
	if r.Error != "" {
		ended, colour = r.Error, text.FgRed
	}
	if c.colours(c.stdout) {
		ended = colour.Sprint(ended)
	}
	fmt.Fprintf(c.stdout, "%s: %s (%s)\n", r.Verb, ended, took(r))
	for _, part := range []struct{ title, text string }{
		{"script", r.Script},
		{"stdout", r.Stdout},
		{"stderr", r.Stderr},
		{"client", fmt.Sprintf("%s\n(completion code 0x%02x, %v)", r.Client, byte(r.Code), r.Code)},
	} {
		title := part.title
		for line := range strings.Lines(part.text) {
			fmt.Fprintf(c.stdout, "  %-6s | %s\n", title, control.ReplaceAllStringFunc(strings.TrimSuffix(line, "\n"), spell))
			title = ""
		}
	}
}

// control matches what could have a terminal show other things than are there. The
// scripts may be those of somebody whom the caller does not trust.
var control = regexp.MustCompile(`[^\P{C}\t]`)

// spell writes a character as Go does: \x1b.
func spell(character string) string { return strings.Trim(strconv.QuoteToASCII(character), `"`) }
