package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/shipmi/shipmi/docs"
)

// A topic is a page of the documentation that "shipmi help" prints. Its name is not that of a
// command.
type topic struct {
	name string
	file string // in docs
}

var topics = []topic{
	{"architecture", "architecture.md"},
	{"clients", "consumers.md"},
	{"failover", "fleet.md"},
	{"glossary", "glossary.md"},
	{"guest", "inband.md"},
	{"hypervisors", "hypervisors.md"},
	{"internals", "how-it-works.md"},
	{"ironic", "tutorial-ironic.md"},
	{"managing", "managing.md"},
	{"migration", "migrate.md"},
	{"monitoring", "monitoring.md"},
	{"provider", "tutorial-provider.md"},
	{"redfish", "redfish.md"},
	{"sol", "console.md"},
	{"threats", "security.md"},
	{"troubleshooting", "troubleshooting.md"},
}

// topicNames returns the names of all topics.
func topicNames() []string {
	var names []string
	for _, t := range topics {
		names = append(names, t.name)
	}
	return names
}

// text returns the page for a terminal.
func (t topic) text() (string, error) {
	page, err := docs.Page(t.file)
	return plainText(page), err
}

// listTopics returns a line for each topic: its name, and the title of its page.
func listTopics() (string, error) {
	var b strings.Builder
	for _, t := range topics {
		page, err := docs.Page(t.file)
		if err != nil {
			return "", err
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(page, "# "), "\n")
		fmt.Fprintf(&b, "  %-16s %s\n", t.name, title)
	}
	return b.String(), nil
}

var (
	image       = regexp.MustCompile(`(?m)^!\[.*\n+`)
	link        = regexp.MustCompile(`\[([^]\n]*)\]\([^)\s]*\)`)
	fence       = regexp.MustCompile("(?ms)^```.*?\n(.*?)^```\n")
	lineOfTable = regexp.MustCompile(`(?m)^\|( \|| ---)+( \|)*\n`)
)

// plainText returns Markdown without the parts that a terminal cannot show: pictures, targets of
// links, fences. Blocks are indented.
func plainText(markdown string) string {
	markdown = image.ReplaceAllString(markdown, "")
	markdown = fence.ReplaceAllStringFunc(markdown, func(block string) string {
		lines := strings.SplitAfter(fence.FindStringSubmatch(block)[1], "\n")
		return "    " + strings.TrimRight(strings.Join(lines, "    "), " ")
	})
	markdown = lineOfTable.ReplaceAllString(markdown, "")
	return strings.ReplaceAll(link.ReplaceAllString(markdown, "$1"), "**", "")
}
