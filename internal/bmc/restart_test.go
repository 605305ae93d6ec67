package bmc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// restart has a client ask for a restart by way of the guest.
func (r *rig) restart() {
	r.asks(func() machine.Intent { return machine.Intent{Verb: provider.Shutdown, Restart: true} })
}

// The BMC starts the machine when the guest has been asked to shut down. The client does not
// wait for the start.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.take(time.Second)
		r.restart()
		r.pass(1500 * time.Millisecond)
		require.Equal(t, []machine.Outcome{machine.Done}, r.told())
		require.Equal(t, []string{"power shutdown", "power on"}, r.ran())
		r.pass(time.Second)
		r.restart()
		r.pass(time.Minute)
		require.NoError(t, <-r.ended)
		require.Equal(t, []string{"power shutdown", "power on", "power shutdown", "power on"}, r.ran())
	})
}

// A restart survives the process, wherever its end comes, and starts the machine once.
func TestRestartSurvivesTheProcess(t *testing.T) {
	for after, ran := range map[time.Duration][]string{
		500 * time.Millisecond:  {"power shutdown", "adopted power shutdown", "power on"},
		1500 * time.Millisecond: {"power shutdown", "power on", "adopted power on"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.take(time.Second)
			r.restart()
			r.pass(after)
			r.kill()
			r.start()
			r.pass(time.Minute)
			require.NoError(t, <-r.ended)
			require.Equal(t, ran, r.ran())
		})
	}
}

// A client that switches the machine off does not want it started.
func TestOffTakesThePlaceOfARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.take(time.Minute)
		r.restart()
		r.pass(time.Second)
		r.take(0)
		r.ask(provider.Off)
		r.pass(time.Hour)
		require.NoError(t, <-r.ended)
		require.Equal(t, []string{"power shutdown", "power off"}, r.ran())
	})
}

// If a start cannot begin, it is not tried again and again.
func TestRestartThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lacks = provider.On
		r.restart()
		r.pass(time.Hour)
		require.NoError(t, <-r.ended)
		require.Equal(t, []string{"power shutdown"}, r.ran())
	})
}
