package main

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// BMCs did not answer as long as systemd read nothing, busy with a reload.
func TestNobodyWaitsForSystemd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		systemd := make(chan string)
		teller := newTeller(ctx, func(message string) { systemd <- message })
		begun := time.Now()
		teller.status("0")
		synctest.Wait()
		for i := range 1000 { // it reads nothing
			teller.status(fmt.Sprint(i))
			teller.alive()
		}
		require.Zero(t, time.Since(begun))

		time.Sleep(time.Minute)
		require.Equal(t, []string{"STATUS=0", "WATCHDOG=1", "STATUS=999"}, []string{<-systemd, <-systemd, <-systemd})
	})
}

// Sessions that come and go by the hundred are no reason to wake systemd each time.
func TestStatusOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		told := make(chan string, 100)
		teller := newTeller(ctx, func(message string) { told <- message })
		for i := range 90 {
			teller.status(fmt.Sprint(i))
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(statusPause)
		for _, want := range []string{"STATUS=0", "STATUS=33", "STATUS=66", "STATUS=89"} {
			require.Equal(t, want, <-told)
		}
		require.Empty(t, told)
	})
}
