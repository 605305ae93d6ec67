package script

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/provider"
)

// What an IPMI command of the provider prints is in its action file, for this process and for the next one.
func TestIPMICommand(t *testing.T) {
	for script, want := range map[string]struct {
		said string
		err  string
	}{
		`echo "a1 $SHIPMI_DATA"`:                 {said: "a101ff"},
		`true`:                                   {said: ""},
		`echo cc=c9`:                             {said: "cc=c9"},
		`printf '00 01\n02'`:                     {said: "000102"},
		`echo '$(id); "x" /'; echo é`:            {said: "idx"},
		`head -c 10000000 /dev/zero | tr '\0' a`: {said: "toolong"},
		`echo 01; exit 65`:                       {said: "01", err: "command 32 a1: exit status 65: not possible in the present state"},
		`exit 3`:                                 {said: "", err: "command 32 a1: exit status 3"},
		`head -c 765 /dev/zero | tr '\0' a`:      {said: strings.Repeat("a", 765)},
		`head -c 3000 /dev/zero | tr '\0' a; echo; true`: {said: "toolong"},
	} {
		r := newRunner(t, "[POWER]\nstatus = echo on\n[COMMAND]\n0x32 0xa1 = operator: "+script+"\n")
		file := actionFile(t)
		path := file.Path()
		err := r.Act(t.Context(), "command 32 a1", provider.Args{Data: "01ff"}, file)
		if want.err == "" {
			require.NoError(t, err, script)
		} else {
			require.EqualError(t, err, want.err, script)
		}
		said, err := new(actionlog.Log).Said(path)
		require.NoError(t, err)
		require.Equal(t, want.said, said, script)
	}
}

func TestIPMIQuery(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus = echo on\n[COMMAND]\n0x32 0xa1 = query: echo 00 $SHIPMI_DATA\n0x32 0xa2 = query: echo x\n0x32 0xa3 = query: exit 66\n")
	reading := r.Query(t.Context(), "query 32 a1", provider.Args{Data: "01ff"})
	require.NoError(t, reading.Err)
	require.Equal(t, provider.Response{Data: []byte{0, 1, 0xFF}}, reading.Response)
	require.ErrorContains(t, r.Query(t.Context(), "query 32 a2", provider.Args{}).Err, `query 32 a2: printed "x", want bytes in hex`)
	require.ErrorIs(t, r.Query(t.Context(), "query 32 a3", provider.Args{}).Err, provider.ErrUnsupported)
	require.False(t, r.Query(t.Context(), "query 32 a4", provider.Args{}).Has)
}

// The hook learns of the entry from its environment, and what it prints is for the journal.
func TestHook(t *testing.T) {
	r := newRunner(t, `[POWER]
status = echo on
[EVENTS]
added = echo "$SHIPMI_VERB $SHIPMI_EVENT $SHIPMI_EVENT_ID $SHIPMI_EVENT_TIME $SHIPMI_EVENT_RECORD" >>ran; yes | head -c 10000
`)
	entry := provider.LogEntry{ID: 7, Time: 1700000000, What: "power up", Record: "0700"}
	require.NoError(t, r.Query(t.Context(), provider.EventsAdded, provider.Args{Entry: entry}).Err)
	require.Equal(t, "events-added power up 7 1700000000 0700\n", r.read(t, "ran"))
}
