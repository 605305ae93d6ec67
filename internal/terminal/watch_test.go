package terminal

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			out   = &Terminal{Stdout: new(bytes.Buffer)}
			start = time.Now()
			shown []time.Duration
		)
		ctx, stop := context.WithCancel(t.Context())
		show := func(ctx context.Context) error {
			shown = append(shown, time.Since(start))
			if len(shown) == 3 {
				stop()
			}
			return ctx.Err() // an interrupt ends Watch without an error
		}
		require.NoError(t, out.Watch(ctx, 2*time.Second, show, nil))
		require.Equal(t, []time.Duration{0, 2 * time.Second, 4 * time.Second}, shown)

		failure := errors.New("no systemd")
		require.ErrorIs(t, out.Watch(t.Context(), time.Second, func(context.Context) error { return failure }, nil), failure)
		require.ErrorIs(t, out.Watch(t.Context(), 0, func(context.Context) error { return failure }, nil), failure)
	})
}

// A BMC may be deleted meanwhile, and systemd may be busy: Watch reports that and goes on.
func TestWatchGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			stderr bytes.Buffer
			out    = &Terminal{Stdout: new(bytes.Buffer), Stderr: &stderr, Getenv: func(string) string { return "" }}
			shown  int
		)
		ctx, stop := context.WithCancel(t.Context())
		require.NoError(t, out.Watch(ctx, time.Second, func(context.Context) error {
			switch shown++; shown {
			case 2:
				return errors.New("no systemd")
			case 3:
				stop()
			}
			return nil
		}, func(err error) { out.Error(err, nil) }))
		require.Equal(t, 3, shown)
		require.Equal(t, "shipmi: error: no systemd\n", stderr.String())
	})
}
