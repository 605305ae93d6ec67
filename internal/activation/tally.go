package activation

import (
	"context"
	"log/slog"
	"time"

	"github.com/shipmi/shipmi/internal/counters"
	"github.com/shipmi/shipmi/internal/event"
)

// A tally counts events, for "shipmi metrics", and passes records on. It also counts events that are not logged, because of
// their level or because there are too many.
type tally struct {
	slog.Handler
	counters *counters.File
}

// Enabled implements slog.Handler. Events have at least the level of information.
func (t *tally) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || l == event.Counted || t.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (t *tally) Handle(ctx context.Context, r slog.Record) error {
	if e := eventOf(r); e != nil {
		t.count(*e, r.Time)
	}
	if !t.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return t.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (t *tally) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tally{t.Handler.WithAttrs(attrs), t.counters}
}

// WithGroup implements slog.Handler.
func (t *tally) WithGroup(name string) slog.Handler {
	return &tally{t.Handler.WithGroup(name), t.counters}
}

// count counts an event, under the names that event.Metrics describes.
func (t *tally) count(e event.Event, now time.Time) {
	switch e.Kind {
	case event.Login:
		t.counters.Add(event.Series(event.Logins, "via", e.Via), 1)
	case event.Refused:
		t.counters.Add(event.Series(event.LoginsRefused, "via", e.Via), 1)
	case event.Ended, event.Query:
		verb := event.VerbLabel(e.Verb)
		t.counters.Add(event.Series(event.Scripts, "verb", verb, "result", e.Result), 1)
		t.counters.Add(event.Series(event.Scripts, "verb", verb, "result", "failed"), 0)
		t.counters.Add(event.Series(event.ScriptTime, "verb", verb), uint64(max(0, e.Took)))
	case event.Added:
		t.counters.Add(event.Series(event.Entries), 1)
	case event.Started:
		t.counters.Add(event.Series(event.Starts), 1)
	}
	if e.Power != "" {
		on := uint64(0)
		if e.Power == "on" {
			on = 1
		}
		t.counters.Set(event.Series(event.Power), on)
		t.counters.Set(event.Series(event.PowerTime), uint64(now.Unix()))
	}
}
