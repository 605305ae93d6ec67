package ipmi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// version1 has files that version 1 wrote, and what it answered with those states.
const version1 = "testdata/version1"

func read(t *testing.T, name string) []byte {
	text, err := os.ReadFile(filepath.Join(version1, name))
	require.NoError(t, err)
	return text
}

// A client sees no difference between version 1 and this version.
func TestUpgradeState(t *testing.T) {
	for name, asked := range map[string]struct {
		uptime time.Duration
		on     bool
	}{
		"pending-override": {boot + 30*time.Second, false},
		"everything":       {boot + 7*time.Second, true},
		"cleared-log":      {boot, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, fullService)
			r.now = asked.uptime
			r.does[provider.Status] = machine.Reading{On: asked.on}
			upgraded, err := UpgradeState(read(t, name+".json"))
			require.NoError(t, err)
			r.Machine.Update(func(s *machine.State) { *s = upgraded })
			require.True(t, r.save())
			r.restart()
			answers := 0
			for line := range strings.Lines(string(read(t, name+".answers"))) {
				request, answer, found := strings.Cut(strings.TrimSuffix(line, "\n"), " -> ")
				require.True(t, found)
				require.Equal(t, answer, r.ask(request), request)
				answers++
			}
			require.Equal(t, 32, answers)
		})
	}
}

// Events become events again, and only the records of clients stay records.
func TestUpgradeEvents(t *testing.T) {
	s, err := UpgradeState(read(t, "everything.json"))
	require.NoError(t, err)
	var kinds []machine.EventKind
	for _, e := range s.Events.Entries {
		kinds = append(kinds, e.Event.Kind)
		require.Equal(t, e.Event.Kind == "", e.Record != nil)
	}
	require.Equal(t, []machine.EventKind{
		machine.EventPowerOff, machine.EventPowerUp, machine.EventPowerCycle, machine.EventHardReset,
		machine.EventInterrupt, machine.EventShutdown, "", "", machine.EventWatchdog, machine.EventPowerFault,
	}, kinds)
	require.Equal(t, machine.Event{Kind: machine.EventWatchdog, Use: machine.UseManagementOS, Action: provider.Reset},
		s.Events.Entries[8].Event)
}

func TestUpgradeDamagedState(t *testing.T) {
	for _, text := range []string{"", "[]", `{"boot":5}`} {
		_, err := UpgradeState([]byte(text))
		require.ErrorContains(t, err, "state of version 1: ")
	}
	for _, record := range []string{"", "0", "zz", "01000290d4026b20000410076f02ff", "01000290d4026b20000410076f02ffffff"} {
		_, err := UpgradeState([]byte(`{"sel":{"records":["` + record + `"]}}`))
		require.EqualError(t, err, `state of version 1: event log: "`+record+`": want 16 bytes in hex`)
	}
}

// The intent and the key are those of the same request in this version.
func TestUpgradeRequest(t *testing.T) {
	for name, request := range map[string]string{
		"reset": "00/02 03", "identify": "00/04 3c", "bootflags": "00/08 05 a0 20 62 0a 1f",
	} {
		r := newRig(t, fullService)
		sent := r.request(request)
		_, answer := r.Handle(sent)
		intent, key, err := UpgradeRequest(read(t, "request-"+name+".json"))
		require.NoError(t, err)
		require.Equal(t, *answer.Intent, intent)
		require.Equal(t, Key(sent.Request), key)
	}
	for _, text := range []string{
		``, `{}`, `{"NetFn":6,"Cmd":1}`, `{"NetFn":0,"Cmd":2}`, `{"NetFn":0,"Cmd":2,"Data":"CQ=="}`,
		`{"NetFn":0,"Cmd":8,"Data":"BQ=="}`, `{"NetFn":0,"Cmd":8,"Data":"BaA="}`,
	} {
		_, _, err := UpgradeRequest([]byte(text))
		require.ErrorContains(t, err, "action of version 1: ", text)
	}
}
