package units

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The first examples are those of systemd.syntax(7) and systemd.exec(5).
func TestSplitWords(t *testing.T) {
	tests := map[string][]string{
		`"VAR1=word1 word2" VAR2=word3 "VAR3=$word 5 6"`: {"VAR1=word1 word2", "VAR2=word3", "VAR3=$word 5 6"},
		`'A=1 2' B="3 4"`:      {"A=1 2", "B=3 4"},
		"A=one\\\nB=two":       {"A=one B=two"},
		`A=\x41\102\t\\\"\'\s`: {"A=AB\t\\\"' "},
		`"A=\xc3\xa4"`:         {"A=ä"},
		`A=\u00e4`:             {"A=ä"},
		`  A=1	B=2  `:          {"A=1", "B=2"},
		`""`:                   {""},
		``:                     nil,
	}
	for text, want := range tests {
		got, err := splitWords(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}

	for text, want := range map[string]string{
		`"A=1`:  `the quote " is not closed`,
		`A='`:   `the quote ' is not closed`,
		`A=\q`:  `unknown escape "\\q"`,
		`A=\x4`: `unknown escape "\\x"`,
		`A=\`:   `nothing follows the last \`,
	} {
		_, err := splitWords(text)
		require.EqualError(t, err, want, text)
	}
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "a b", `"`, `\`, `'`, `\"x\`, "ä", "%i", "a=b", `\s`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !utf8.ValidString(value) {
			t.Skip("no value: values are UTF-8")
		}
		words, err := splitWords(quote(value))
		require.NoError(t, err)
		require.Equal(t, []string{value}, words)
	})
}
