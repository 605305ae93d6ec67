package event

import (
	"log/slog"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKindsDiffer(t *testing.T) {
	names, ids := map[string]bool{}, map[string]bool{}
	for _, k := range Kinds {
		require.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)?$`), k.Name)
		require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{32}$`), k.ID)
		require.NotEmpty(t, k.Meaning)
		require.False(t, names[k.Name] || ids[k.ID], k.Name)
		names[k.Name], ids[k.ID] = true, true
	}
}

func TestOf(t *testing.T) {
	e, is := Of(Event{Kind: Ended, Verb: "power-on"}.Attr())
	require.True(t, is)
	require.Equal(t, Event{Kind: Ended, Verb: "power-on"}, e)
	e, is = Of(Login.Attr())
	require.True(t, is)
	require.Equal(t, Login, e.Kind)
	_, is = Of(slog.String("event", "login"))
	require.False(t, is)
}
