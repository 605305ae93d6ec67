package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	require.Empty(t, Of(nil))
	require.Empty(t, Of(fs.ErrExist))
	first := Add(fs.ErrExist, "choose %s name", "another")
	second := Add(fmt.Errorf("b: %w", first), "list them")
	err := errors.Join(first, second)
	require.Equal(t, []string{"choose another name", "list them"}, Of(err))
	require.ErrorIs(t, err, fs.ErrExist)
	require.Equal(t, "b: file already exists", second.Error())
}

func TestMisuse(t *testing.T) {
	err := Misuse(Add(fs.ErrInvalid, "do it otherwise"))
	require.EqualError(t, err, "invalid argument")
	require.ErrorIs(t, err, ErrMisuse)
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.Equal(t, []string{"do it otherwise"}, Of(err))
	require.NotErrorIs(t, fs.ErrInvalid, ErrMisuse)
}

func TestSimilar(t *testing.T) {
	names := []string{"list", "logs", "start", "stop", "show", "Rack-1"}
	for word, want := range map[string][]string{
		"lst":    {"list"},
		"sho":    {"show"},
		"st":     {"start", "stop"},
		"s":      {"start", "stop", "show"}, // by prefix
		"xy":     nil,
		"rack-2": {"Rack-1"},
		"":       nil, // everything begins with it
	} {
		require.Equal(t, want, Similar(word, names), word)
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"node-1", "node-2", "web"}
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"nod-1"}, []string{"did you mean node-1?"}},
		{[]string{"nod-1", "nod-2", "ode-1"}, []string{"did you mean node-1 or node-2?"}},
		{[]string{"node-7"}, nil},
		{[]string{"web", ""}, nil},
		{[]string{"wb", "nod-1"}, []string{"did you mean web or node-1?"}},
	} {
		require.Equal(t, test.want, Of(DidYouMean(fs.ErrNotExist, test.words, names)), "%q", test.words)
	}
}
