package machine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		light  provider.Light
		forced bool
		timed  time.Duration
	}{
		{provider.Light{}, false, 0},
		{provider.Light{On: true, Seconds: 15}, false, 15 * time.Second},
		{provider.Light{On: true}, true, 0},
	} {
		m, _ := newMachine()
		check := func() {
			t.Helper()
			require.Equal(t, c.forced, m.State.Identify.Forced)
			require.Equal(t, c.timed > 0, m.State.Identify.Timed(start.later(c.timed-1)))
			require.False(t, m.State.Identify.Timed(start.later(c.timed)))
			require.False(t, m.State.NextBoot().Identify.Timed(Moment{}))
		}
		intent := Intent{Verb: provider.Identify, Light: c.light}
		require.Equal(t, Done, m.Plan(intent, CauseUnknown).Without(start), "no script is needed")
		check()
		m.Update(func(s *State) { s.Identify = Identify{} })
		args, outcome := carryOut(m, intent, CauseUnknown, start, nil)
		require.Equal(t, provider.Args{Light: c.light}, args)
		require.Equal(t, Done, outcome)
		check()
		before := m.State
		for _, failure := range scriptErrors {
			_, outcome := carryOut(m, Intent{Verb: provider.Identify}, CauseUnknown, start, failure.err)
			require.Equal(t, failure.outcome, outcome)
			require.Equal(t, before, m.State)
		}
	}
}
