package bmc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A companion accepts connections before Run has its front and has adopted what goes on.
func TestEnterWaitsUntilRunServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, dir: t.TempDir(), begun: time.Now()}
		r.make()
		require.False(t, r.BMC.mu.TryLock(), "Enter waits")
		entered := make(chan bool, 1)
		go r.Enter(func() { entered <- true })
		r.run()
		require.True(t, <-entered)
		r.kill()
		require.False(t, r.Enter(func() {}))
	})
}
