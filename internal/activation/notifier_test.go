package activation

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// While systemd reloaded its units and read nothing, BMCs did not answer.
func TestNotifierDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		systemd := make(chan string)
		notifier := NewNotifier(ctx, func(message string) { systemd <- message })
		begun := time.Now()
		notifier.Status("0")
		synctest.Wait()
		for i := range 1000 { // systemd reads nothing
			notifier.Status(fmt.Sprint(i))
			notifier.Alive()
		}
		require.Zero(t, time.Since(begun))

		time.Sleep(time.Minute)
		require.Equal(t, []string{"STATUS=0", "WATCHDOG=1", "STATUS=999"}, []string{<-systemd, <-systemd, <-systemd})
	})
}

// Hundreds of sessions that come and go within a second cause one status message.
func TestStatusOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		sent := make(chan string, 100)
		notifier := NewNotifier(ctx, func(message string) { sent <- message })
		for i := range 90 {
			notifier.Status(fmt.Sprint(i))
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(statusPause)
		for _, want := range []string{"STATUS=0", "STATUS=33", "STATUS=66", "STATUS=89"} {
			require.Equal(t, want, <-sent)
		}
		require.Empty(t, sent)
	})
}
