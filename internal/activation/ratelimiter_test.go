package activation

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/journal"
)

// rateLimited runs a test in virtual time; lines returns what was logged since the last call.
func rateLimited(t *testing.T, test func(log *slog.Logger, limiter *rateLimiter, lines func() []string)) {
	synctest.Test(t, func(*testing.T) {
		var out bytes.Buffer
		limiter := newRateLimiter(&logHandler{out: &out, level: slog.LevelInfo})
		test(slog.New(limiter), limiter, func() []string {
			defer out.Reset()
			return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		})
	})
}

func TestFloodIsCounted(t *testing.T) {
	rateLimited(t, func(log *slog.Logger, limiter *rateLimiter, lines func() []string) {
		for n := range 1000 {
			log.Warn("session refused: wrong password", "peer", n)
			log.Error("cannot save", "peer", n)
		}
		first := lines()
		require.Len(t, first, 2*maxSameMessage)
		require.Equal(t, "<4>session refused: wrong password peer=0", first[0])

		time.Sleep(sameMessagePeriod - time.Second)
		log.Warn("session refused: wrong password")
		log.Warn("session refused: unknown user")
		require.Equal(t, []string{"<4>session refused: unknown user"}, lines(), "another message has its own count")

		time.Sleep(time.Second)
		log.Warn("session refused: wrong password", "peer", "late")
		require.ElementsMatch(t, []string{
			"<4>session refused: wrong password: 991 more in=1m0s", "<3>cannot save: 990 more in=1m0s",
			"<4>session refused: wrong password peer=late",
		}, lines())
		limiter.flush()
		require.Equal(t, []string{""}, lines(), "a count is reported once, and a count of zero is not reported")
	})
}

func TestInfoIsNotLimited(t *testing.T) {
	rateLimited(t, func(log *slog.Logger, _ *rateLimiter, lines func() []string) {
		for range 1000 {
			log.Info("status", "says", "on")
		}
		require.Len(t, lines(), 1000)
	})
}

func TestFlushReportsCounts(t *testing.T) {
	rateLimited(t, func(log *slog.Logger, limiter *rateLimiter, lines func() []string) {
		some := log.With("a", 1).WithGroup("g")
		for range maxSameMessage + 1 {
			some.Warn("flood", "b", 2)
		}
		require.Equal(t, "<4>flood a=1 g.b=2", lines()[0])
		time.Sleep(3 * time.Second)
		limiter.flush()
		require.Equal(t, []string{"<4>flood: 1 more in=3s"}, lines())
	})
}

// The line with the count is an event, too, which represents those that were left out.
func TestCountOfEvents(t *testing.T) {
	var sent []journal.Entry
	limiter := newRateLimiter(&logHandler{send: func(e journal.Entry) error { sent = append(sent, e); return nil }})
	log := slog.New(limiter)
	for range maxSameMessage + 5 {
		log.Warn("session refused", event.Event{Kind: event.Refused, Via: "lan"}.Attr())
	}
	limiter.flush()
	require.Len(t, sent, maxSameMessage+1)
	last := sent[maxSameMessage]
	require.Contains(t, last[0].Value, "session refused: 5 more")
	require.Contains(t, last, journal.Field{Name: "MESSAGE_ID", Value: event.Refused.ID})
	require.Contains(t, last, journal.Field{Name: "SHIPMI_COUNT", Value: "5"})
	require.NotContains(t, sent[0], journal.Field{Name: "SHIPMI_COUNT", Value: "1"})
}
