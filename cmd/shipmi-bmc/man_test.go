package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The man page and --help list the same variables, options, defaults and exit statuses.
func TestManPageAgreesWithHelp(t *testing.T) {
	roff, err := os.ReadFile("../../docs/man/shipmi-bmc.8")
	require.NoError(t, err)
	page := strings.ReplaceAll(string(roff), `\-`, "-")

	words := func(pattern, text string) []string {
		var found []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	const word = `(SHIPMI_[A-Z_]+|--[a-z]+|\(\d[^)]+\))`
	require.Equal(t, words(word, usage), words(word, page))
	require.Equal(t, words(`(?m)^  (\d+) `, usage), words(`(?m)^\\fB(\d+)\\fP$`, page))
}
