package listing

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/terminal"
)

var fleet = Table{
	Columns: []Column{
		{Name: "name", Title: "Name", Left: true},
		{Name: "port", Title: "Port"},
		{Name: "comment", Title: "Comment", Left: true, Wide: true, Prose: true},
	},
	Rows: [][]any{
		{"n10", List{623}, "one\ntwo, \"three\""},
		{"n2", List{6230}, ""},
	},
}

func printed(t *testing.T, args ...string) (stdout, stderr string, err error) {
	var (
		o        Options
		out, bad bytes.Buffer
		cmd      = &cobra.Command{Use: "list", SilenceErrors: true, SilenceUsage: true}
	)
	o.AddFlags(cmd, fleet.Columns)
	cmd.RunE = func(*cobra.Command, []string) error {
		return o.Print(&terminal.Terminal{Stdout: &out, Stderr: &bad, Getenv: func(string) string { return "" }}, fleet)
	}
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), bad.String(), err
}

func TestColumns(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", "value"}, "n10 623\nn2 6230\n"},
		{[]string{"-o", "value", "-c", "port", "-c", "Name"}, "623 n10\n6230 n2\n"},
		{[]string{"-o", "csv", "-c", "port", "-c", "name"}, "\"port\",\"name\"\n623,\"n10\"\n6230,\"n2\"\n"},
		{[]string{"-f", "value", "-c", "Port", "-c", "Name"}, "n10 623\nn2 6230\n"}, // as in Python
		{[]string{"-o", "value", "-c", "name", "--sort-column", "name"}, "n2\nn10\n"},
		{[]string{"-o", "value", "-c", "name", "--sort-column", "port", "--sort-descending"}, "n2\nn10\n"},
	} {
		out, _, err := printed(t, test.args...)
		require.NoError(t, err)
		require.Equal(t, test.want, out, "%q", test.args)
	}
	for _, flag := range []string{"-c", "--sort-column"} {
		_, _, err := printed(t, flag, "serial")
		require.ErrorIs(t, err, hint.ErrMisuse)
		require.EqualError(t, err, `no column "serial"`)
		require.Equal(t, []string{"the columns are name, port, comment"}, hint.Of(err))
	}
}

// What encoding/csv reads is what was printed, line breaks included.
func TestCSV(t *testing.T) {
	for _, quote := range []string{"minimal", "nonnumeric", "all"} {
		out, _, err := printed(t, "-o", "csv", "--quote", quote, "-c", "name", "-c", "comment")
		require.NoError(t, err)
		got, err := csv.NewReader(bytes.NewBufferString(out)).ReadAll()
		require.NoError(t, err)
		require.Equal(t, [][]string{{"name", "comment"}, {"n10", "one\ntwo, \"three\""}, {"n2", ""}}, got, quote)
	}
}

func TestDroppedColumnsAreNamed(t *testing.T) {
	out, bad, err := printed(t, "--max-width", "20", "-o", "wide")
	require.NoError(t, err)
	require.Equal(t, "+------+------+\n| Name | Port |\n+------+------+\n| n10  | 623  |\n| n2   | 6230 |\n+------+------+\n", out)
	require.Equal(t, "shipmi: warning: there is no room for these columns: comment; choose columns with -c, or see all with -o json\n", bad)

	out, bad, err = printed(t, "-o", "value", "--max-width", "5", "-c", "name")
	require.NoError(t, err)
	require.Equal(t, "n10\nn2\n", out)
	require.Empty(t, bad)
}
