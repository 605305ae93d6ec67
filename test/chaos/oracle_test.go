//go:build e2e

package chaos

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fault tells what is wrong with what the client says, or with what ran; it is empty if nothing is. Whoever does not
// know what became of his request may find that it was done or not, but never that it was done twice.
func (c *call) fault(log string) string {
	switch v := c.verdict(); {
	case slices.ContainsFunc(c.runs, func(run string) bool { return run != c.note() }):
		return "something else ran"
	case len(c.runs) > 1:
		return "it ran more than once"
	case v == done && len(c.runs) == 0:
		return "reported as done, but it did not run"
	case v == done && c.code != 0 && c.took < answer:
		return "reported as done, but it failed"
	case v == refused && len(c.runs) == 1 && c.code == 0:
		return "reported as failed, but it was done"
	case strings.Contains(log, "Chassis Control refused") && c.code == 0 && !c.haunted:
		return "refused without need"
	}
	return ""
}

func TestOracle(t *testing.T) {
	const ran, failed = "7 power-reset", 1
	ok := call{number: 7, client: clients[0], action: "reset", out: "Chassis Power Control: Reset\n", runs: []string{ran}}
	no := ok
	no.out, no.exit = "Set Chassis Power Control to Reset failed: Unspecified error\n", 1
	lost := ok
	lost.out, lost.exit = "Unable to set Chassis Power Control to Reset\n", 1
	const refusal = "<4>Chassis Control refused code=\"unspecified error\"\n"

	for name, tt := range map[string]struct {
		call
		change func(c *call)
		log    string
		want   string
	}{
		"done":                         {ok, func(*call) {}, "", ""},
		"done, twice":                  {ok, func(c *call) { c.runs = []string{ran, ran} }, "", "it ran more than once"},
		"done, not at all":             {ok, func(c *call) { c.runs = nil }, "", "reported as done, but it did not run"},
		"done, but failed":             {ok, func(c *call) { c.code = failed }, "", "reported as done, but it failed"},
		"accepted, then failed":        {ok, func(c *call) { c.code, c.took = failed, answer }, "", ""},
		"the script of another":        {ok, func(c *call) { c.runs = []string{"7 power-off"} }, "", "something else ran"},
		"the call before":              {ok, func(c *call) { c.runs = []string{"6 power-reset"} }, "", "something else ran"},
		"refused, failed":              {no, func(c *call) { c.code = failed }, refusal, ""},
		"refused, done":                {no, func(*call) {}, "", "reported as failed, but it was done"},
		"refused, not begun":           {no, func(c *call) { c.runs = nil }, refusal, "refused without need"},
		"refused, killed before it":    {no, func(c *call) { c.runs, c.haunted = nil, true }, refusal, ""},
		"unanswered, done":             {lost, func(*call) {}, "", ""},
		"unanswered, not done":         {lost, func(c *call) { c.runs = nil }, "", ""},
		"unanswered, twice":            {lost, func(c *call) { c.runs = []string{ran, ran} }, "", "it ran more than once"},
		"no session":                   {no, func(c *call) { c.out, c.runs = "Error: Unable to establish", nil }, "", ""},
		"no session, and done all the": {no, func(c *call) { c.out = "Error: Unable to establish" }, "", "reported as failed, but it was done"},
	} {
		c := tt.call
		tt.change(&c)
		require.Equal(t, tt.want, c.fault(tt.log), name)
	}
}
