package redfish

import (
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// scripts says which scripts the provider has.
type scripts = func(provider.Verb) bool

// provided completes an answer that depends on which scripts the provider has.
func provided(then func(scripts) Answer) Answer {
	return Answer{Provider: func(has func(provider.Verb) bool, err error) Answer {
		if err != nil {
			return Respond(machine.OutcomeOf(err))
		}
		return then(has)
	}}
}

// A power is whether the managed system is on, as far as the status script says so.
type power struct{ on, known bool }

// withPower completes an answer with what the status script says.
func (s *Service) withPower(then func(power) Answer) Answer {
	return ask(provider.Status, func(r machine.Reading, now machine.Moment) Answer {
		if !r.Has || r.Err != nil {
			return then(power{})
		}
		s.Machine.Seen(r.On, now)
		return then(power{r.On, true})
	})
}

// state is PowerState: On, Off, or null. There is nothing in between: clients read the other
// states each in its own way.
func (p power) state() *string {
	switch {
	case !p.known:
		return nil
	case p.on:
		return text("On")
	}
	return text("Off")
}

// status is the status of the managed system.
func (p power) status(s *machine.State) status {
	st := status{"Disabled", ok}
	switch {
	case !p.known:
		st = status{"UnavailableOffline", warning}
	case p.on:
		st.State = "Enabled"
	}
	if s.PowerFault {
		st.Health = warning
	}
	return st
}

// withInventory completes an answer with the inventory. The script is asked until it has
// answered once.
func (s *Service) withInventory(then func(provider.FRU) Answer) Answer {
	if s.inventory != nil {
		return then(*s.inventory)
	}
	return ask(provider.FRUGet, func(r machine.Reading, _ machine.Moment) Answer {
		f := s.Machine.Inventory(r)
		if r.Err == nil {
			s.inventory = &f
		}
		return then(f)
	})
}
