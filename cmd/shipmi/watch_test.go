package main

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			a     = &app{stdout: new(bytes.Buffer)}
			start = time.Now()
			shown []time.Duration
		)
		ctx, stop := context.WithCancel(t.Context())
		show := func(ctx context.Context) error {
			shown = append(shown, time.Since(start))
			if len(shown) == 3 {
				stop()
			}
			return ctx.Err() // what is interrupted is not worth an error
		}
		require.NoError(t, a.every(ctx, 2*time.Second, show))
		require.Equal(t, []time.Duration{0, 2 * time.Second, 4 * time.Second}, shown)

		failure := errors.New("no systemd")
		require.ErrorIs(t, a.every(t.Context(), time.Second, func(context.Context) error { return failure }), failure)
		require.ErrorIs(t, a.every(t.Context(), 0, func(context.Context) error { return failure }), failure)
	})
}

// A BMC that vanishes, or a systemd that is busy with itself, is nothing to go away for.
func TestEveryGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			stderr bytes.Buffer
			a      = &app{stdout: new(bytes.Buffer), stderr: &stderr, getenv: func(string) string { return "" }}
			shown  int
		)
		ctx, stop := context.WithCancel(t.Context())
		require.NoError(t, a.every(ctx, time.Second, func(context.Context) error {
			switch shown++; shown {
			case 2:
				return errors.New("no systemd")
			case 3:
				stop()
			}
			return nil
		}))
		require.Equal(t, 3, shown)
		require.Equal(t, "shipmi: error: no systemd\n", stderr.String())
	})
}
