package machine

import (
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// An Identify says whether the managed system is marked for a person who looks for it.
type Identify struct {
	Forced bool          `json:"forced,omitempty"` // until a client switches it off
	Until  time.Duration `json:"until,omitempty"`  // since the boot of the host
}

// Timed reports whether identification is on for a limited time.
func (i Identify) Timed(now Moment) bool { return !i.Forced && now.Uptime < i.Until }

// identify marks the managed system, by the provider's script if there is one.
func (m *Machine) identify(l provider.Light) Script {
	store := func(now Moment) Outcome {
		state := Identify{Forced: l.On && l.Seconds == 0}
		if l.On && l.Seconds > 0 {
			state.Until = now.Uptime + time.Duration(l.Seconds)*time.Second
		}
		m.Update(func(s *State) { s.Identify = state })
		return Done
	}
	return Script{
		Verb:    provider.Identify,
		Accept:  true,
		Durable: true,
		Args:    func(Moment) provider.Args { return provider.Args{Light: l} },
		Without: store,
		Then: func(r Result) Outcome {
			if outcome := OutcomeOf(r.Err); outcome != Done {
				return outcome
			}
			return store(r.Moment)
		},
	}
}
