package machine

import (
	"cmp"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// A RestorePolicy says what becomes of the managed system when its host has been
// booted.
type RestorePolicy byte

// The restore policies. The zero value, stay off, is the policy of a new BMC.
const (
	RestoreOff      RestorePolicy = 0
	RestorePrevious RestorePolicy = 1
	RestoreOn       RestorePolicy = 2
)

// A Cause is why the managed system was last started.
type Cause byte

// The causes that a BMC can know of.
const (
	CauseUnknown         Cause = iota
	CauseClient                // a client asked for it
	CauseWatchdog              // the watchdog timer expired
	CauseRestoreOn             // the restore policy is "on"
	CauseRestorePrevious       // the restore policy is "previous"
)

// A PowerOnTime is how long the managed system was on, as far as this BMC could see: by
// its own actions and by what the status script said when a client asked.
type PowerOnTime struct {
	Total time.Duration `json:"total,omitempty"` // up to the last change to off
	Since time.Time     `json:"since,omitzero"`  // zero: off
}

// At is the time on up to now.
func (p PowerOnTime) At(now time.Time) time.Duration {
	if p.Since.IsZero() {
		return p.Total
	}
	return p.Total + max(0, now.Sub(p.Since))
}

// seen notes whether the managed system is on.
func (p *PowerOnTime) seen(on bool, now time.Time) {
	switch {
	case on && p.Since.IsZero():
		p.Since = now.UTC().Truncate(time.Second)
	case !on && !p.Since.IsZero():
		p.Total = p.At(now)
		p.Since = time.Time{}
	}
}

// Seen notes what the status script said.
func (m *Machine) Seen(on bool, now Moment) {
	m.Update(func(s *State) { s.PowerOn.seen(on, now.Clock) })
}

// SetRestore sets the restore policy. It takes effect with the next boot of the host.
func (m *Machine) SetRestore(policy RestorePolicy) {
	m.Update(func(s *State) { s.Restore, s.RestoredIn = policy, m.HostBoot })
}

// control is a power action.
func (m *Machine) control(v provider.Verb, cause Cause) Script {
	var asked time.Duration
	return Script{
		Verb:    v,
		Accept:  true,
		Without: unavailable,
		Args: func(now Moment) provider.Args {
			asked = now.Uptime
			return provider.Args{Boot: m.State.Override.at(now.Uptime).InForce()}
		},
		Then: func(err error, now Moment) Outcome {
			outcome := OutcomeOf(err)
			if !outcome.harmless() {
				m.Update(func(s *State) { s.controlled(v, cause, outcome, asked, now) })
			}
			return outcome
		},
	}
}

// controlled keeps what a power action has changed. Asked is when its script began; a
// boot override that was in force then has been used by a start.
func (s *State) controlled(v provider.Verb, cause Cause, outcome Outcome, asked time.Duration, now Moment) {
	s.PowerFault = outcome != Done
	s.Override = s.Override.at(asked)
	s.Override.Set = 0
	happened := powerEvents[v]
	if s.PowerFault {
		happened = EventPowerFault
	}
	s.Events.add(Entry{Event: Event{Kind: happened}}, now.Clock)
	switch {
	case s.PowerFault:
	case starts(v):
		s.Override = s.Override.used()
		s.PoweredOn = true
		s.Cause = cmp.Or(cause, CauseClient)
		s.PowerOn.seen(true, now.Clock)
	case v == provider.Off:
		s.PoweredOn = false
		s.PowerOn.seen(false, now.Clock)
	}
}

// RestoreAtBoot returns the cause with which the managed system must be switched on because
// the host has been booted; the zero Cause if nothing is to be done. The caller must
// have saved the state before it acts, or the policy would be carried out again.
func (m *Machine) RestoreAtBoot() Cause {
	s := m.State
	if s.Restore == RestoreOff || s.RestoredIn == m.HostBoot {
		return CauseUnknown
	}
	m.Update(func(s *State) { s.RestoredIn = m.HostBoot })
	switch {
	case s.Restore == RestoreOn:
		return CauseRestoreOn
	case !s.PowerOn.Since.IsZero():
		return CauseRestorePrevious
	}
	return CauseUnknown
}
