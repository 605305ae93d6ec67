package activation

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/counters"
	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// countedBy returns what is counted when do writes to a log, and the log.
func countedBy(t *testing.T, level slog.Level, do func(*slog.Logger)) (map[string]uint64, string) {
	path := filepath.Join(t.TempDir(), "counters")
	c, err := counters.Open(path)
	require.NoError(t, err)
	var out bytes.Buffer
	do(slog.New(&tally{newRateLimiter(&logHandler{out: &out, level: level}), c}))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	values, err := counters.Read(file)
	require.NoError(t, err)
	return values, out.String()
}

// Every event is counted, also one that the journal does not get: a login a second after another one, the eleventh of a
// flood, and all of them if only errors are logged.
func TestAllEventsAreCounted(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError} {
		values, _ := countedBy(t, level, func(log *slog.Logger) {
			log.Info("session opened", event.Event{Kind: event.Login, Via: "lan"}.Attr())
			log.Log(context.Background(), event.Counted, "session opened", event.Event{Kind: event.Login, Via: "lan"}.Attr())
			log.Info("logged in", event.Event{Kind: event.Login, Via: "redfish"}.Attr())
			for range 100 {
				log.Warn("session refused", event.Event{Kind: event.Refused, Via: "lan"}.Attr())
			}
			log.Log(context.Background(), event.Counted, "started", event.Started.Attr())
			log.Info("idle, exiting", event.Exited.Attr())
			log.Info("no event", "event", "login")
		})
		require.Equal(t, map[string]uint64{
			`logins_total{via="lan"}`:         2,
			`logins_total{via="redfish"}`:     1,
			`logins_refused_total{via="lan"}`: 100,
			`starts_total`:                    1,
		}, values)
	}
}

// Events that are only counted are never logged.
func TestCountedIsNotLogged(t *testing.T) {
	_, log := countedBy(t, slog.LevelDebug, func(log *slog.Logger) {
		log.Log(context.Background(), event.Counted, "started", event.Started.Attr())
		log.With("a", 1).Debug("logged")
	})
	require.Equal(t, "<7>logged a=1\n", log)
}

func TestScriptsAndPower(t *testing.T) {
	values, _ := countedBy(t, slog.LevelInfo, func(log *slog.Logger) {
		for _, e := range []event.Event{
			{Kind: event.Query, Verb: "power-status", Result: "done", Power: "off", Took: time.Second},
			{Kind: event.Ended, Verb: "power-on", Result: "done", Power: "on", Took: 2 * time.Second},
			{Kind: event.Ended, Verb: "power-on", Result: "timed out", Took: time.Nanosecond},
			{Kind: event.Ended, Verb: "command-32-a1", Result: "failed"},
			{Kind: event.Ended, Verb: "command-32-a2", Result: "failed"},
			{Kind: event.Added, Result: "power up"},
		} {
			log.Info("x", e.Attr())
		}
	})
	require.InDelta(t, time.Now().Unix(), values["power_timestamp_seconds"], 60)
	delete(values, "power_timestamp_seconds")
	require.Equal(t, map[string]uint64{
		`scripts_total{verb="power-status",result="done"}`:   1,
		`scripts_total{verb="power-status",result="failed"}`: 0,
		`script_seconds_total{verb="power-status"}`:          1e9,
		`scripts_total{verb="power-on",result="done"}`:       1,
		`scripts_total{verb="power-on",result="timed out"}`:  1,
		`scripts_total{verb="power-on",result="failed"}`:     0,
		`script_seconds_total{verb="power-on"}`:              2e9 + 1,
		`scripts_total{verb="command",result="failed"}`:      2,
		`script_seconds_total{verb="command"}`:               0,
		`event_log_entries_total`:                            1,
		`power_on`:                                           1,
	}, values)
}

// Every series of every verb has room: a name has at most 64 bytes.
func TestNamesOfSeriesFit(t *testing.T) {
	for _, verb := range append(provider.AllVerbs(), "command 32 a1") {
		for _, result := range []machine.Outcome{machine.Done, machine.WrongState, machine.Unsupported, machine.Unavailable, machine.Superseded} {
			require.LessOrEqual(t, len(event.Series(event.Scripts, "verb", event.VerbLabel(verb.Identifier()), "result", string(result))), 64, verb)
		}
	}
}
