package redfish

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

// For every request and every state: there is an answer, it is JSON, an error has a message,
// and a request that is refused changes nothing.
func FuzzHandle(f *testing.F) {
	seeds := 0
	add := func(method, path, body, state string) {
		f.Add(method, path, "", "", "", body, state, byte(seeds%4))
		seeds++
	}
	for path := range resources {
		add("GET", path, "", `{}`)
	}
	for _, c := range badInput {
		method, path, _ := strings.Cut(c.request, " ")
		add(method, path, c.body, `{}`)
	}
	add("PATCH", systemPath, `{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}`,
		`{"override":{"Device":"hd","valid":true,"set":1},"former":{"Device":"network"}}`)
	add("GET", logPath+"/Entries", "", `{"events":{"entries":[{"id":1,"event":{"kind":"of a later version"}},{"id":2,"record":"AQAC"}]}}`)
	require.Greater(f, seeds, 80)

	f.Fuzz(func(t *testing.T, method, path, content, ifMatch, version, body, state string, who byte) {
		r := newRig(t, full)
		r.tasks = []Task{reset5}
		if json.Unmarshal([]byte(state), &r.Machine.State) != nil {
			return
		}
		r.as([]string{"admin", "maas", "guest", ""}[who%4])
		r.fails = []error{nil, errBusy}[who/4%2]
		r.acting = who/8%2 == 1
		r.declare()
		users := string(r.users.Marshal())
		seen := r.Machine.State
		got := r.send(Request{Method: method, Path: path, Body: []byte(body),
			Header: RequestHeader{ContentType: content, IfMatch: ifMatch, ODataVersion: version}})
		require.GreaterOrEqual(t, got.Status, 200)
		if got.Status < 400 {
			require.NotContains(t, got.Text, "\n")
			return
		}
		checkError(t, got)
		require.Equal(t, users, string(r.users.Marshal()))
		seen.PowerOn, r.Machine.State.PowerOn = machine.PowerOnTime{}, machine.PowerOnTime{}
		seen.Shutdown, r.Machine.State.Shutdown = 0, 0 // what the status script said
		if r.fails == nil {
			require.Equal(t, seen, r.Machine.State)
		}
	})
}
