package provider

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
)

// pages is the folder with a page for each built-in provider.
const pages = "../../docs/providers/"

// The pages about the built-in providers are made from their files. A page that is missing is
// written.
func TestPages(t *testing.T) {
	all := library(t)
	want := map[string]string{"README.md": render(t, "index.md.tmpl", map[string]any{"Providers": all, "Abilities": Abilities})}
	for _, p := range all {
		want[p.Name()+".md"] = render(t, "page.md.tmpl", map[string]any{"Provider": p, "Abilities": Abilities, "About": about(t, p.Header)})
	}
	for name, text := range want {
		kept, err := os.ReadFile(pages + name)
		if os.IsNotExist(err) {
			require.NoError(t, os.MkdirAll(pages, 0o755))
			require.NoError(t, os.WriteFile(pages+name, []byte(text), 0o644))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, text, string(kept), "remove docs/providers/%s and run the test again to accept the change", name)
	}
	files, err := filepath.Glob(pages + "*")
	require.NoError(t, err)
	require.Len(t, files, len(want), "a page without a provider")
}

func render(t *testing.T, name string, facts any) string {
	functions := template.FuncMap{"prose": prose, "items": items, "join": strings.Join}
	parsed, err := template.New(name).Funcs(functions).ParseFiles("testdata/" + name)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, parsed.Execute(&text, facts))
	return text.String()
}

// A manual is the comment of a provider file, taken to pieces.
type manual struct {
	Summary  string
	Examples []string          // command lines, without "shipmi"
	Sections map[string]string // by title, as in "Needs"
}

// titles are the sections that the comment of a provider file may have. The page has a heading for each.
var titles = []string{"Needs", "Rights", "Behavior", "Boot", "Images", "Sensors", "Console", "Traps", "Tested with"}

var sectionTitle = regexp.MustCompile(`^([A-Z][a-z]+(?: with)?): +(.*)$`)

// about reads the comment of a provider file. A line that is indented more than the text of its
// section is to be copied, and keeps its form.
func about(t *testing.T, text string) manual {
	_, summary, _ := strings.Cut(text, ": ")
	summary, rest, _ := strings.Cut(summary, "\n")
	m := manual{Summary: summary, Sections: make(map[string]string)}
	var title string
	for line := range strings.SplitSeq(rest, "\n") {
		if command, found := strings.CutPrefix(line, "shipmi "); found {
			m.Examples = append(m.Examples, command)
		} else if match := sectionTitle.FindStringSubmatch(line); match != nil {
			title = match[1]
			require.Contains(t, titles, title, summary)
			m.Sections[title] = match[2]
		} else if title != "" && line != "" {
			indent := strings.Repeat(" ", len("Tested with: "))
			require.True(t, strings.HasPrefix(line, indent), "%s: %q", summary, line)
			m.Sections[title] += "\n" + strings.TrimPrefix(line, indent)
		}
	}
	return m
}

// literal matches words that are no prose: paths, options, addresses, file names.
var literal = regexp.MustCompile(`(^|[\s(])(<[^>]+>|--run-as ipmi(?::\w+)?|(?:--|~?/)[^\s,;]*[^\s,;:.)]|[^\s"()]*[@<>=_*|~][^\s,;]*[^\s,;:.)])`)

// prose makes Markdown of the text of a section: its words, and its lines to copy.
func prose(text string) string {
	var b strings.Builder
	copying, quoting := false, false
	for line := range strings.SplitSeq(text, "\n") {
		isCopy := strings.HasPrefix(line, "  ")
		switch {
		case b.Len() == 0:
		case isCopy != copying:
			b.WriteString("\n\n")
		default:
			b.WriteString("\n")
		}
		copying = isCopy
		if isCopy {
			b.WriteString("  " + line)
			continue
		}
		quoted := strings.Split(line, `"`)
		for i := range quoted {
			if i > 0 {
				quoting = !quoting
			}
			if !quoting && !strings.Contains(line, "`") {
				quoted[i] = literal.ReplaceAllString(quoted[i], "$1`$2`")
			}
		}
		b.WriteString(escapeHTML.Replace(strings.Join(quoted, `"`)))
	}
	return b.String()
}

// escapeHTML is for text between quotation marks, which may have tags of XML.
var escapeHTML = strings.NewReplacer(`"<`, `"\<`)

var (
	sentence = regexp.MustCompile(`\.\s+`)
	// dependent matches a sentence that cannot be read without the one before it.
	dependent = regexp.MustCompile(`^(?:It|Then|That|This|They|Therefore|All three|The rest|The former order) `)
	verb      = regexp.MustCompile(`status|on|off|shutdown|reset|diag|cycle|identify|eject|insert`)
	// subject matches the verbs that a sentence is about, such as "on, off and reset fail".
	subject = regexp.MustCompile(`^(?:(?:` + verb.String() + `)(?:,? and |, | ))+`)
)

// items makes a list of the sentences of a section. The verbs that a sentence is about are marked.
func items(text string) string {
	var list []string
	for _, s := range sentence.Split(strings.TrimSuffix(text, "."), -1) {
		s = strings.Join(strings.Fields(s), " ")
		if dependent.MatchString(s) && len(list) > 0 {
			list[len(list)-1] += ". " + s
			continue
		}
		list = append(list, s)
	}
	for i := range list {
		verbs := subject.FindString(list[i])
		list[i] = "- " + verb.ReplaceAllString(verbs, "`$0`") + prose(strings.TrimPrefix(list[i], verbs)) + "."
	}
	return strings.Join(list, "\n")
}
