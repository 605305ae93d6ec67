package lan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// An attacker cannot escape the login delay by waiting for the idle exit: the process stays
// until the delay is over.
func TestAnIdleExitDoesNotEndTheLoginDelay(t *testing.T) {
	in(t, func(r *rig) {
		r.idles()
		for range 10 {
			c := console.New(t, 17)
			c.Password = "a guess"
			c.ReadOpen(r.one(c.Open()))
			c.LearnRAKP2(r.one(c.RAKP1()))
			r.one(c.RAKP3())
		}
		require.InDelta(t, time.Minute, r.ends(), float64(2*time.Second))
	})
}
