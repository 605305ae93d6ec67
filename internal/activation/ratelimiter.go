package activation

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/shipmi/shipmi/internal/event"
)

const (
	maxSameMessage    = 10          // records with one message that are written within a period
	sameMessagePeriod = time.Minute // begins with the first of them
)

// A rateLimiter keeps floods out of the journal. It passes on the first ten warnings or errors with the same message in
// a minute and counts the rest. When the minute is over, the next record is preceded by a line with the count. Records
// below the level of a warning always pass.
//
// This requires that messages are few and constant: details belong into attributes.
type rateLimiter struct {
	slog.Handler
	*messageCounts
}

// messageCounts is shared by all handlers that are derived from one rateLimiter.
type messageCounts struct {
	mu        sync.Mutex
	byMessage map[string]*messageCount
}

type messageCount struct {
	level slog.Level
	event *event.Event // of the latest record; nil: it is none
	since time.Time
	n     int
}

func newRateLimiter(next slog.Handler) *rateLimiter {
	return &rateLimiter{next, &messageCounts{byMessage: make(map[string]*messageCount)}}
}

// Handle implements slog.Handler.
func (l *rateLimiter) Handle(ctx context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report(ctx, r.Time, sameMessagePeriod)
	if r.Level >= slog.LevelWarn {
		c := l.byMessage[r.Message]
		if c == nil {
			c = &messageCount{level: r.Level, since: r.Time}
			l.byMessage[r.Message] = c
		}
		if c.n++; c.n > maxSameMessage {
			c.event = eventOf(r)
			return nil
		}
	}
	return l.Handler.Handle(ctx, r)
}

// eventOf returns the event that a record is, or nil.
func eventOf(r slog.Record) (found *event.Event) {
	r.Attrs(func(a slog.Attr) bool {
		if e, is := event.Of(a); is {
			found = &e
		}
		return found == nil
	})
	return found
}

// flush reports all counts.
func (l *rateLimiter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report(context.Background(), time.Now(), 0)
}

// report writes a line for each count of a period that is at least as old as age, and starts a new period.
func (l *rateLimiter) report(ctx context.Context, now time.Time, age time.Duration) {
	for message, c := range l.byMessage {
		took := now.Sub(c.since)
		if took < age {
			continue
		}
		delete(l.byMessage, message)
		if c.n > maxSameMessage {
			r := slog.NewRecord(now, c.level, fmt.Sprintf("%s: %d more", message, c.n-maxSameMessage), 0)
			r.Add("in", took.Round(time.Second))
			if c.event != nil {
				c.event.Count = c.n - maxSameMessage
				r.AddAttrs(c.event.Attr())
			}
			_ = l.Handler.Handle(ctx, r)
		}
	}
}

// WithAttrs implements slog.Handler.
func (l *rateLimiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &rateLimiter{l.Handler.WithAttrs(attrs), l.messageCounts}
}

// WithGroup implements slog.Handler.
func (l *rateLimiter) WithGroup(name string) slog.Handler {
	return &rateLimiter{l.Handler.WithGroup(name), l.messageCounts}
}
