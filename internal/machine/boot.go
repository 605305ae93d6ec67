package machine

import (
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Boot is what a client asks for when it sets the boot override.
type Boot struct {
	provider.Boot
	// Raw is what the client wrote, as its front encodes it, so that the front can give
	// it back: IPMI's five bytes of boot flags. Zero if the front needs none.
	Raw [5]byte `json:"raw,omitzero"`
}

// An Override is what the managed system boots from instead of its own order: the one
// record behind IPMI's boot flags and Redfish's Boot property.
type Override struct {
	Boot
	// Valid is set until the override has been used, has expired or is taken back.
	Valid bool `json:"valid,omitempty"`
	// Masked is set while a client has marked the override as not to be used.
	Masked bool `json:"masked,omitempty"`
	// Set is when the override was set, in time since boot, while it can expire.
	Set time.Duration `json:"set,omitempty"`
	// Keep is set while overrides do not expire.
	Keep bool `json:"keep,omitempty"`
}

// OverrideLife is how long an override for one boot waits for a power action
// (IPMI 2.0 §28.13, parameter 3).
const OverrideLife = 60 * time.Second

func (o Override) expires() bool { return o.Set != 0 && !o.Persistent && !o.Keep }

// at is the override as it is at that time: not valid if it has waited too long.
func (o Override) at(uptime time.Duration) Override {
	if o.expires() && uptime-o.Set >= OverrideLife {
		o.Valid = false
	}
	return o
}

// InForce is what scripts are told of the override.
func (o Override) InForce() provider.Boot {
	if !o.Valid || o.Masked {
		return provider.Boot{Device: provider.DeviceNone}
	}
	return o.Boot.Boot
}

// used is the override after the managed system was started.
func (o Override) used() Override {
	if o.Persistent {
		return o
	}
	return Override{Keep: o.Keep}
}

// Override is the boot override at that time.
func (m *Machine) Override(now Moment) Override { return m.State.Override.at(now.Uptime) }

// InForce is what scripts are told of the boot override at that time.
func (m *Machine) InForce(now Moment) provider.Boot { return m.Override(now).InForce() }

// SetOverride stores an override. No script is run for it.
func (m *Machine) SetOverride(o Override) { m.Update(func(s *State) { s.Override = o }) }

// setBoot has the provider set a boot device, and stores it as the override.
func (m *Machine) setBoot(b Boot) Script {
	return Script{
		Verb:    provider.BootSet,
		Durable: true,
		Args:    func(Moment) provider.Args { return provider.Args{Boot: b.Boot} },
		Without: unavailable,
		Then: func(err error, now Moment) Outcome {
			outcome := OutcomeOf(err)
			if outcome == Done {
				m.SetOverride(Override{Boot: b, Valid: true, Set: now.Uptime, Keep: m.State.Override.Keep})
			}
			return outcome
		},
	}
}
