package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each topic has a page, and a name that no command has.
func TestTopics(t *testing.T) {
	root := new(app).rootCommand()
	for _, topic := range topics {
		text, err := topic.text()
		require.NoError(t, err, topic.name)
		require.NotContains(t, text, "](", topic.name)
		require.NotContains(t, text, "```", topic.name)
		for _, cmd := range root.Commands() {
			require.NotEqual(t, cmd.Name(), topic.name)
		}
	}
}

func TestPlainText(t *testing.T) {
	require.Equal(t, `# Title

See the page and `+"`x`"+`, often.

    $ shipmi list
    a

| one | two |
`, plainText("# Title\n\n![A picture](a.svg)\n\nSee [the page](b.md#c) and `x`, **often**.\n\n```console\n$ shipmi list\na\n```\n\n| | |\n| --- | --- |\n| one | two |\n"))
}
