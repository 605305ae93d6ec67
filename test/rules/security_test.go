package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every threat in docs/security.md has something that holds it, and that is there: a test of a package, or a file.
func TestThreats(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	require.NoError(t, err)
	threats := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "| Threat" || strings.HasPrefix(cells[0], "| -") {
			continue
		}
		threats++
		require.Len(t, cells, 3, line)
		holders := regexp.MustCompile("`[^`]+`").FindAllString(cells[2], -1)
		require.NotEmpty(t, holders, line)
		for _, holder := range holders {
			requireHolder(t, strings.Trim(holder, "`"))
		}
	}
	require.Greater(t, threats, 25)
}

// requireHolder checks that a file is there, or the test function that a package and a name tell.
func requireHolder(t *testing.T, holder string) {
	folder, name, isTest := strings.Cut(holder, ".")
	if !isTest || !regexp.MustCompile(`^(Test|Fuzz)\w+$`).MatchString(name) {
		require.FileExists(t, filepath.Join(root, holder))
		return
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	require.Contains(t, all.String(), "\nfunc "+name+"(", holder)
}
