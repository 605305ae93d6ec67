package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// A block is what stands between two lines of backticks.
type block struct {
	language string
	argument string // the rest of the line, which GitHub does not show
	text     string
}

var fence = regexp.MustCompile("(?ms)^```(\\S+)[ \t]*([^\n]*)\n(.*?)^```$")

func blocks(markdown string) []block {
	var all []block
	for _, m := range fence.FindAllStringSubmatch(markdown, -1) {
		all = append(all, block{language: m[1], argument: m[2], text: m[3]})
	}
	return all
}

// A command is the text behind a prompt, "$ " or "# ", and its output, with "…" for
// text that differs from run to run.
type command struct{ line, prints string }

// session takes a block of the language console to pieces.
func session(text string) []command {
	var all []command
	for line := range strings.Lines(text) {
		typed, prompt := strings.CutPrefix(line, "$ ")
		if !prompt {
			typed, prompt = strings.CutPrefix(line, "# ")
		}
		switch last := len(all) - 1; {
		case prompt:
			all = append(all, command{line: typed})
		case last >= 0 && all[last].prints == "" && strings.HasSuffix(all[last].line, "\\\n"):
			all[last].line += line
		case last >= 0:
			all[last].prints += line
		}
	}
	return all
}

// matches tells whether this was printed. White space at the end of a line does not count.
func (c command) matches(printed string) bool {
	want := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(c.prints)), "…", "(?s:.*)")
	var lines []string
	for line := range strings.Lines(printed) {
		lines = append(lines, strings.TrimRight(line, " \t\r\n"))
	}
	return regexp.MustCompile(`\A` + want + `\z`).MatchString(strings.TrimSpace(strings.Join(lines, "\n")))
}

// documents returns the text of every document, by its path from the root.
func documents(t *testing.T) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if entry.IsDir() && path == filepath.Join(root, "dist") {
			return fs.SkipDir // packages, half made if they were interrupted, with copies of the documents
		}
		if filepath.Ext(path) == ".md" {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			path, err = filepath.Rel(root, path)
			require.NoError(t, err)
			all[path] = string(text)
		}
		return nil
	}))
	require.Contains(t, all, "README.md")
	return all
}

func TestSession(t *testing.T) {
	require.Equal(t, []command{
		{"one \\\n    more\n", "a\nb\n"},
		{"two\n", ""},
		{"three\n", "c…\n"},
	}, session("$ one \\\n    more\na\nb\n$ two\n# three\nc…\n"))
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		prints, printed string
		want            bool
	}{
		{"", "", true},
		{"", "a\n", false},
		{"a\n", "a  \n", true},
		{"a\n", "a\nb\n", false},
		{"a\n…\n", "a\nb\nc\n", true},
		{"pid ….\n", "pid 17.\n", true},
		{"pid ….\n", "pid 17\n", false},
		{"…\n", "", true},
		{"a.b\n", "acb\n", false},
	} {
		require.Equal(t, tt.want, command{prints: tt.prints}.matches(tt.printed), "%q %q", tt.prints, tt.printed)
	}
}
