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
