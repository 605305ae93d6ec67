package check

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/script"
)

// newCheck returns a Check whose clock advances by took at each reading.
func newCheck(t *testing.T, text string, took time.Duration) (*Check, *[]Result) {
	path := filepath.Join(t.TempDir(), "lab.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	p, err := provider.Load(path)
	require.NoError(t, err)
	results, now := new([]Result), time.Unix(0, 0)
	return &Check{
		Runner:   script.Runner{Provider: p, Name: "node-0", StateDir: t.TempDir(), Environ: os.Environ()},
		Timeouts: instance.Timeouts{Query: time.Minute, Action: time.Minute, Answer: 2 * time.Second},
		Now:      func() time.Time { now = now.Add(took); return now },
		Report:   func(r Result) { *results = append(*results, r) },
	}, results
}

// The prelude of libvirt has 160 lines. They stood before each script, and the answer was nowhere to be found.
func TestPreludeIsNotShown(t *testing.T) {
	c, results := newCheck(t, `
[PROVIDER]
prelude = state() { echo on; }
[POWER]
status = state "%(name)s"
`, time.Millisecond)
	require.NoError(t, c.Queries(t.Context()))
	require.Equal(t, `state "node-0"`, (*results)[0].Script)
	require.Equal(t, "on\n", (*results)[0].Stdout)
}

func TestQueries(t *testing.T) {
	c, results := newCheck(t, `
[POWER]
status = echo "asking %(name)s" >&2; echo on
[BOOT]
get = echo cdrom
[FRU]
get = echo serial=42; echo asset=A-7
`, time.Millisecond)
	require.NoError(t, c.Queries(t.Context()))
	require.Equal(t, []Result{
		{
			Verb: "power status", Script: `echo "asking node-0" >&2; echo on`, Took: time.Millisecond,
			Stdout: "on\n", Stderr: "asking node-0\n", Client: "Chassis Power is on",
		},
		{
			Verb: "boot get", Script: "echo cdrom", Took: time.Millisecond,
			Stdout: "cdrom\n", Client: "Boot Device Selector : Force Boot from CD/DVD",
		},
		{
			Verb: "fru get", Script: "echo serial=42; echo asset=A-7", Took: time.Millisecond,
			Stdout: "serial=42\nasset=A-7\n", Client: "Product Serial        : 42\nProduct Asset Tag     : A-7",
		},
	}, *results)
}

func TestQueryThatFails(t *testing.T) {
	for _, test := range []struct {
		script string
		limit  time.Duration
		want   Result
	}{
		{"echo up", time.Minute, Result{
			Stdout: "up\n", Error: `printed "up", want "on" or "off"`, Code: unspecified,
			Client: "Get Chassis Power Status failed: Unspecified error",
		}},
		{"echo oops >&2; exit 3", time.Minute, Result{
			Exit: 3, Stderr: "oops\n", Error: "exit status 3", Code: unspecified,
			Client: "Get Chassis Power Status failed: Unspecified error",
		}},
		{"exit 75", time.Minute, Result{
			Exit: 75, Error: "exit status 75: busy, try later", Code: nodeBusy,
			Client: "Get Chassis Power Status failed: Node busy",
		}},
		{"sleep 60", time.Millisecond, Result{
			Exit: -1, Error: "time limit reached, killed", Code: timeout,
			Client: "Get Chassis Power Status failed: Timeout",
		}},
	} {
		t.Run(test.script, func(t *testing.T) {
			c, results := newCheck(t, "[POWER]\nstatus = "+test.script, time.Millisecond)
			c.Timeouts.Query = test.limit
			require.NoError(t, c.Queries(t.Context()))
			test.want.Verb, test.want.Script, test.want.Took = "power status", test.script, time.Millisecond
			require.Equal(t, []Result{test.want}, *results)
		})
	}
}

const everyScript = `
[POWER]
status = cat "$SHIPMI_STATE_DIRECTORY/power"
on = echo on >"$SHIPMI_STATE_DIRECTORY/power"
off = echo off >"$SHIPMI_STATE_DIRECTORY/power"
reset = echo who is there
diag = exit 66
[BOOT]
get = echo network
set = echo "$SHIPMI_BOOTDEV" >"$SHIPMI_STATE_DIRECTORY/boot"
`

func TestPower(t *testing.T) {
	for _, before := range []string{"on\n", "off\n"} {
		c, results := newCheck(t, everyScript, time.Millisecond)
		power := filepath.Join(c.Runner.StateDir, "power")
		require.NoError(t, os.WriteFile(power, []byte(before), 0o600))
		require.NoError(t, c.Power(t.Context()))

		after, err := os.ReadFile(power)
		require.NoError(t, err)
		require.Equal(t, before, string(after))
		boot, err := os.ReadFile(filepath.Join(c.Runner.StateDir, "boot"))
		require.NoError(t, err)
		require.Equal(t, "network\n", string(boot))

		said := make(map[provider.Verb]string)
		for _, r := range *results {
			said[r.Verb] = r.Client
			if r.Verb == provider.Reset {
				require.Equal(t, "who is there\n", r.Stderr)
				require.Zero(t, r.Exit)
			}
		}
		delete(said, provider.Status)
		require.Equal(t, map[provider.Verb]string{
			provider.BootGet: "Boot Device Selector : Force PXE",
			provider.BootSet: "Set Boot Device to pxe",
			provider.On:      "Chassis Power Control: Up/On",
			provider.Reset:   "Chassis Power Control: Reset",
			provider.Diag:    "Set Chassis Power Control to Diag failed: Invalid data field in request",
			provider.Cycle:   "Chassis Power Control: Cycle",
			provider.Off:     "Chassis Power Control: Down/Off",
		}, said)
	}
}

// A client gets its answer before a long action ends, so it does not learn that the action
// failed.
func TestActionThatTakesLong(t *testing.T) {
	c, results := newCheck(t, "[POWER]\nstatus = echo off\non = exit 1", 3*time.Second)
	require.NoError(t, c.Power(t.Context()))
	for _, r := range *results {
		if r.Verb == provider.On {
			require.Equal(t, "exit status 1", r.Error)
			require.Equal(t, completed, r.Code)
			require.Equal(t, "Chassis Power Control: Up/On (after 2s, before it ended)", r.Client)
		}
	}
}

// A machine is left alone if the provider does not say whether it is on.
func TestPowerUnknown(t *testing.T) {
	c, results := newCheck(t, "[POWER]\nstatus = exit 1\non = echo", time.Millisecond)
	require.ErrorIs(t, c.Power(t.Context()), ErrUnknownState)
	require.Len(t, *results, 1)
}
