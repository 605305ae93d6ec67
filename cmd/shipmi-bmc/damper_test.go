package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// damped runs a test in virtual time; lines returns what was logged since the last call.
func damped(t *testing.T, test func(log *slog.Logger, d *damper, lines func() []string)) {
	synctest.Test(t, func(*testing.T) {
		var out bytes.Buffer
		d := newDamper(&handler{out: &out, least: slog.LevelInfo})
		test(slog.New(d), d, func() []string {
			defer out.Reset()
			return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		})
	})
}

func TestAFloodIsCounted(t *testing.T) {
	damped(t, func(log *slog.Logger, d *damper, lines func() []string) {
		for n := range 1000 {
			log.Warn("session refused: wrong password", "peer", n)
			log.Error("cannot save", "peer", n)
		}
		first := lines()
		require.Len(t, first, 2*maxAlike)
		require.Equal(t, "<4>session refused: wrong password peer=0", first[0])

		time.Sleep(alikeTime - time.Second)
		log.Warn("session refused: wrong password")
		log.Warn("session refused: unknown user")
		require.Equal(t, []string{"<4>session refused: unknown user"}, lines(), "another cause")

		time.Sleep(time.Second)
		log.Warn("session refused: wrong password", "peer", "late")
		require.ElementsMatch(t, []string{
			"<4>session refused: wrong password: 991 more in=1m0s", "<3>cannot save: 990 more in=1m0s",
			"<4>session refused: wrong password peer=late",
		}, lines())
		d.flush()
		require.Equal(t, []string{""}, lines(), "nothing is told twice, nor that there was nothing more")
	})
}

func TestWhatIsNoWarningIsNeverLeftOut(t *testing.T) {
	damped(t, func(log *slog.Logger, _ *damper, lines func() []string) {
		for range 1000 {
			log.Info("status", "says", "on")
		}
		require.Len(t, lines(), 1000)
	})
}

func TestTheEndTellsWhatWasCounted(t *testing.T) {
	damped(t, func(log *slog.Logger, d *damper, lines func() []string) {
		some := log.With("a", 1).WithGroup("g")
		for range maxAlike + 1 {
			some.Warn("flood", "b", 2)
		}
		require.Equal(t, "<4>flood a=1 g.b=2", lines()[0])
		time.Sleep(3 * time.Second)
		d.flush()
		require.Equal(t, []string{"<4>flood: 1 more in=3s"}, lines())
	})
}
