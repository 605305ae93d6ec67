package machine

import (
	"cmp"
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Boot is what a client asks for when it sets the boot override.
type Boot struct {
	provider.Boot
	// Raw is what the client wrote, as its front encodes it, so that the front can give
	// it back: IPMI's five bytes of boot flags. Zero if the front needs none.
	Raw [5]byte `json:"raw,omitzero"`
	// Lasts is set if an override for one boot waits for that boot without a limit, whatever
	// [Machine.KeepOverride] says.
	Lasts bool `json:"lasts,omitempty"`
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

func (o Override) expires() bool { return o.Set != 0 && !o.Persistent && !o.Keep && !o.Lasts }

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

// used is the override after the managed system was started. The mode stays.
func (o Override) used() Override {
	if o.Persistent {
		return o
	}
	return Override{Boot: Boot{Boot: provider.Boot{EFI: o.EFI}}, Keep: o.Keep}
}

// asks reports whether the provider has something to set for the override. An override for
// every boot that names no device asks for what was there before the first override.
func (o Override) asks() bool {
	return o.Valid && !o.Masked && (o.Device != provider.DeviceNone || o.Persistent)
}

// Override is the boot override at that time.
func (m *Machine) Override(now Moment) Override { return m.State.Override.at(now.Uptime) }

// InForce is what scripts are told of the boot override at that time.
func (m *Machine) InForce(now Moment) provider.Boot { return m.Override(now).InForce() }

// BootsFrom is what the managed system boots from if nothing overrides it, as far as that is
// known without asking the provider: the device that is about to be set again.
func (m *Machine) BootsFrom() (b provider.Boot, known bool) {
	return m.State.Former, m.State.Former.Device != ""
}

// KeepOverride says whether an override for one boot waits without a limit. An override
// that has expired by now stays so.
func (m *Machine) KeepOverride(keep bool, now Moment) {
	m.Update(func(s *State) {
		s.Override = s.Override.at(now.Uptime)
		s.Override.Keep = keep
	})
}

// SetOverride makes o the boot override. If the provider must set something for it, an
// intent is returned, and the override changes when that is done. Acting says that an action
// runs or waits, which may use up the override, or replace it.
func (m *Machine) SetOverride(o Override, acting bool, now Moment) (*Intent, Outcome) {
	current := m.Override(now)
	switch {
	case o.asks() && (acting || !current.asks() || current.Boot.Boot != o.Boot.Boot):
		return &Intent{Verb: provider.BootSet, Boot: o.Boot}, ""
	case !o.asks() && acting:
		return nil, Busy // the end of an earlier request would undo this one
	}
	m.restored = m.restored && o.asks()
	m.Update(func(s *State) {
		s.Override = o
		if !o.asks() {
			s.takeBack()
		}
	})
	return nil, Done
}

// takeBack ends all overrides: the device from before the first one must be set again.
func (s *State) takeBack() {
	s.Former, s.Original = cmp.Or(s.Original, s.Former), provider.Boot{}
	s.BootFailed = false
}

// setBoot has the provider set a boot device. For a client, the device becomes the override.
func (m *Machine) setBoot(i Intent) Script {
	s := Script{
		Verb:    provider.BootSet,
		Durable: true,
		Accept:  true,
		Without: unavailable,
		Args:    func(Moment) provider.Args { return provider.Args{Boot: i.Boot.Boot} },
		Then:    func(r Result) Outcome { return m.bootSet(i.Boot, r) },
	}
	switch {
	case i.Former:
		s.Then = func(r Result) Outcome { return m.bootRestored(i.Boot, r) }
	case i.Boot.Device != provider.DeviceNone:
		s.Args = func(now Moment) provider.Args {
			return provider.Args{Boot: i.Boot.Boot, Remember: m.remembers(i.Boot, now)}
		}
	case i.Boot.Persistent:
		s.Refuse = m.refuseNone
		s.Args = func(Moment) provider.Args { return provider.Args{Boot: cmp.Or(m.original(), i.Boot.Boot)} }
	}
	return s
}

// remembers reports whether the provider must be asked what the managed system boots from
// before b is set.
func (m *Machine) remembers(b Boot, now Moment) bool {
	s, present := &m.State, m.InForce(now)
	switch {
	case s.Former.Device != "":
		return false // it is known what comes back
	case present.Device != provider.DeviceNone && !present.Persistent:
		return false // the answer would be the device of the present override
	}
	return !b.Persistent || s.Original.Device == "" && !s.FormerLost
}

// original is what the managed system booted from before the first override, if that is
// known.
func (m *Machine) original() provider.Boot {
	if m.State.FormerLost {
		return m.State.Original
	}
	return cmp.Or(m.State.Original, m.State.Former)
}

// errNoOriginal refuses to end an override for every boot.
var errNoOriginal = fmt.Errorf("%w: it is not known what the machine booted from before its boot device was set",
	provider.ErrUnsupported)

// refuseNone refuses to set no device for every boot if a device was set and it is not known
// which device was there before. A provider without "boot get" takes the device from what its
// scripts are told at each start, or knows by itself what no device means.
func (m *Machine) refuseNone(has func(provider.Verb) bool) error {
	s := &m.State
	overridden := s.FormerLost || s.Override.Persistent && s.Override.InForce().Device != provider.DeviceNone
	if overridden && m.original().Device == "" && has(provider.BootGet) {
		return errNoOriginal
	}
	return nil
}

// bootSet keeps that the provider has set the device of an override, or has failed to.
func (m *Machine) bootSet(b Boot, r Result) Outcome {
	outcome := OutcomeOf(r.Err)
	m.restored = false
	m.Update(func(s *State) {
		s.Former = cmp.Or(s.Former, r.Former)
		if outcome != Done {
			s.BootFailed = s.BootFailed || r.Accepted
			return
		}
		s.BootFailed = false
		s.Override = Override{Boot: b, Valid: true, Set: r.Uptime, Keep: s.Override.Keep}
		switch {
		case b.Device == provider.DeviceNone && b.Persistent:
			s.Former, s.Original, s.FormerLost = provider.Boot{}, provider.Boot{}, false
		case b.Device == provider.DeviceNone:
			s.takeBack()
		default:
			s.FormerLost = s.FormerLost || cmp.Or(s.Former, s.Original) == provider.Boot{}
			if b.Persistent {
				s.Original, s.Former = m.original(), provider.Boot{}
			}
		}
	})
	return outcome
}

// FormerLeft is how long the former boot device has to wait until it must be set again, if
// that time is known.
func (m *Machine) FormerLeft(now Moment) (left time.Duration, known bool) {
	o := m.State.Override
	switch {
	case m.State.Former.Device == "" || m.restored:
		return 0, false
	case m.InForce(now).Device == provider.DeviceNone:
		return 0, true
	}
	return o.Set + OverrideLife - now.Uptime, o.expires()
}

// RestoreBoot returns the intent that sets the former boot device again, if that is due: the
// override has been used, has expired, or was taken back. If the script of the intent fails,
// the next start tries it again, and so does the next process.
func (m *Machine) RestoreBoot(now Moment) (i Intent, due bool) {
	if left, known := m.FormerLeft(now); !known || left > 0 {
		return Intent{}, false
	}
	m.restored = true
	return Intent{Verb: provider.BootSet, Boot: Boot{Boot: m.State.Former}, Former: true}, true
}

// bootRestored keeps that the former boot device was set again. If that is an override for
// every boot, it is the override again.
func (m *Machine) bootRestored(b Boot, r Result) Outcome {
	outcome := OutcomeOf(r.Err)
	if outcome != Done {
		m.Log.Warn("the former boot device will be set again before the next start", "device", b.Device)
		return outcome
	}
	m.Update(func(s *State) {
		if s.Former != b.Boot {
			return
		}
		s.Former = provider.Boot{}
		if s.Original.Device != "" && m.InForce(r.Moment).Device == provider.DeviceNone {
			s.Override = Override{Boot: b, Valid: true, Keep: s.Override.Keep}
		}
	})
	return outcome
}
