package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	maxAlike  = 10
	alikeTime = time.Minute
)

// A damper keeps floods out of the journal. Of warnings and errors with the same
// message it passes on the first few of a minute and counts the others; how many
// there were it tells with whatever is logged after that minute, or at the end.
// The message is the cause, one of few; details belong into attributes.
type damper struct {
	slog.Handler
	*counts
}

type counts struct {
	mu    sync.Mutex
	alike map[string]*alike
}

// An alike counts the records with one message.
type alike struct {
	level slog.Level
	since time.Time
	n     int
}

func newDamper(h slog.Handler) *damper {
	return &damper{h, &counts{alike: make(map[string]*alike)}}
}

// Handle implements slog.Handler.
func (d *damper) Handle(ctx context.Context, r slog.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.summarize(ctx, r.Time, alikeTime)
	if r.Level >= slog.LevelWarn {
		a := d.alike[r.Message]
		if a == nil {
			a = &alike{level: r.Level, since: r.Time}
			d.alike[r.Message] = a
		}
		if a.n++; a.n > maxAlike {
			return nil
		}
	}
	return d.Handler.Handle(ctx, r)
}

// flush tells what has been counted and not told yet.
func (d *damper) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.summarize(context.Background(), time.Now(), 0)
}

// summarize tells how many more there were of what began that long ago.
func (d *damper) summarize(ctx context.Context, now time.Time, ago time.Duration) {
	for message, a := range d.alike {
		took := now.Sub(a.since)
		if took < ago {
			continue
		}
		delete(d.alike, message)
		if a.n > maxAlike {
			r := slog.NewRecord(now, a.level, fmt.Sprintf("%s: %d more", message, a.n-maxAlike), 0)
			r.Add("in", took.Round(time.Second))
			_ = d.Handler.Handle(ctx, r)
		}
	}
}

// WithAttrs implements slog.Handler.
func (d *damper) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &damper{d.Handler.WithAttrs(attrs), d.counts}
}

// WithGroup implements slog.Handler.
func (d *damper) WithGroup(name string) slog.Handler {
	return &damper{d.Handler.WithGroup(name), d.counts}
}
