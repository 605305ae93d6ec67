//go:build e2e

package chaos

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fault tells what is wrong with what the client says, or with what ran; it is empty if nothing is. A client without an
// answer to its request may find that the request was done or not, but never that it was done twice.
func (c *call) fault() string {
	switch v := c.verdict(); {
	case slices.ContainsFunc(c.runs, func(run string) bool { return run != c.note() }):
		return "something else ran"
	case len(c.runs) > 1:
		return "it ran more than once"
	case v == done && len(c.runs) == 0:
		return "reported as done, but it did not run"
	case v == done && c.code != 0 && c.took < answer:
		return "reported as done, but it failed"
	case v == imagined && len(c.runs) == 1:
		return "it ran without a session"
	case v == refused && len(c.runs) == 1 && c.code == 0:
		return "reported as failed, but it was done"
	case strings.Contains(c.log, "Chassis Control refused") && c.code == 0 && !c.haunted:
		return "refused without need"
	}
	return ""
}

func TestOracle(t *testing.T) {
	const ran, failed = "7 power-reset", 1
	ok := call{
		number: 7, client: clients[0], action: "reset", out: "Chassis Power Control: Reset\n", runs: []string{ran},
		asks: true,
	}
	no := ok
	no.out, no.exit = "Set Chassis Power Control to Reset failed: Unspecified error\n", 1
	no.log = "<4>Chassis Control refused code=\"unspecified error\"\n"
	lost := ok
	lost.out, lost.exit = "Unable to set Chassis Power Control to Reset\n", 1
	out := ok
	out.out, out.exit, out.asks, out.runs = "Error: Unable to establish IPMI v2 / RMCP+ session\n", 1, false, nil

	for name, tt := range map[string]struct {
		call
		change func(c *call)
		want   string
	}{
		"done":                    {ok, func(*call) {}, ""},
		"done, twice":             {ok, func(c *call) { c.runs = []string{ran, ran} }, "it ran more than once"},
		"done, not at all":        {ok, func(c *call) { c.runs = nil }, "reported as done, but it did not run"},
		"done, but failed":        {ok, func(c *call) { c.code = failed }, "reported as done, but it failed"},
		"accepted, then failed":   {ok, func(c *call) { c.code, c.took = failed, answer }, ""},
		"the script of another":   {ok, func(c *call) { c.runs = []string{"7 power-off"} }, "something else ran"},
		"the call before":         {ok, func(c *call) { c.runs = []string{"6 power-reset"} }, "something else ran"},
		"refused, failed":         {no, func(c *call) { c.code = failed }, ""},
		"refused, done":           {no, func(*call) {}, "reported as failed, but it was done"},
		"refused, not begun":      {no, func(c *call) { c.runs = nil }, "refused without need"},
		"refused, killed before":  {no, func(c *call) { c.runs, c.haunted = nil, true }, ""},
		"unanswered, done":        {lost, func(*call) {}, ""},
		"unanswered, not done":    {lost, func(c *call) { c.runs = nil }, ""},
		"unanswered, twice":       {lost, func(c *call) { c.runs = []string{ran, ran} }, "it ran more than once"},
		"no session":              {out, func(*call) {}, ""},
		"no session, and yet":     {out, func(c *call) { c.runs = []string{ran} }, "reported as failed, but it was done"},
		"imagined":                {ok, func(c *call) { c.asks, c.runs = false, nil }, ""},
		"ran without any session": {ok, func(c *call) { c.asks = false }, "it ran without a session"},
	} {
		c := tt.call
		tt.change(&c)
		require.Equal(t, tt.want, c.fault(), name)
	}
}
