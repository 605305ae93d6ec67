package machine

import (
	"cmp"
	"errors"
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
	if wasOn := !m.State.PowerOn.Since.IsZero(); on == wasOn && (on || m.State.Shutdown == 0) {
		return // Update would compare the whole state to find that
	}
	m.Update(func(s *State) {
		s.PowerOn.seen(on, now.Clock)
		if !on {
			s.Shutdown = 0
		}
	})
}

// SetRestore sets the restore policy. It takes effect with the next boot of the host.
func (m *Machine) SetRestore(policy RestorePolicy) {
	m.Update(func(s *State) { s.Restore, s.RestoredIn = policy, m.HostBoot })
}

// control is a power action.
func (m *Machine) control(i Intent, cause Cause) Script {
	v := i.Verb
	var asked time.Duration
	return Script{
		Verb:    v,
		Accept:  true,
		Durable: i.Restart,
		Without: unavailable,
		Refuse: func(func(provider.Verb) bool) error {
			if (v.Starts() || i.Restart) && cause == CauseUnknown && m.State.BootFailed {
				return errBootFailed
			}
			return nil
		},
		Args: func(now Moment) provider.Args {
			asked = now.Uptime
			args := provider.Args{Boot: m.InForce(now)}
			if v.Starts() && args.Boot.Device == provider.DeviceNone {
				args.Former = m.State.Former
			}
			if v == provider.On {
				args.GoingDown = m.goingDown(now)
			}
			return args
		},
		Then: func(r Result) Outcome {
			outcome := OutcomeOf(r.Err)
			if v.Starts() {
				m.restored = false
			}
			m.sweep = sweep{}
			m.follow(i, outcome)
			if !outcome.harmless() {
				m.Update(func(s *State) {
					s.BootFailed = s.BootFailed && !errors.Is(r.Err, errBootFailed)
					s.controlled(v, cause, outcome, asked, r.Moment)
				})
			}
			return outcome
		},
	}
}

// follow keeps whether a start must follow a power action that has ended. Every action but a
// diagnostic interrupt takes the place of a restart that has not been finished.
func (m *Machine) follow(i Intent, outcome Outcome) {
	if i.Verb == provider.Diag {
		return
	}
	m.restarted = false
	m.Update(func(s *State) { s.Restart = i.Restart && outcome == Done })
}

// Restarts returns the intent that finishes a restart, with the cause of that start: the guest
// was asked to shut down, and must be started again. The start itself waits for the guest. If
// the start fails, the restart is over. If the start cannot begin, the next process tries it
// again.
func (m *Machine) Restarts() (i Intent, cause Cause, due bool) {
	if !m.State.Restart || m.restarted {
		return Intent{}, CauseUnknown, false
	}
	m.restarted = true
	return Intent{Verb: provider.On}, CauseClient, true
}

// errBootFailed refuses a start: the managed system would boot from another device than a
// client was promised.
var errBootFailed = errors.New("refused once: the boot device that a client asked for could not be set")

// goingDown is how long a start waits for a guest that was asked to shut down and may still
// be doing so; 0 if there is none. The guest has the time limit of an action. One tenth of
// the rest is kept for the start itself.
func (m *Machine) goingDown(now Moment) time.Duration {
	if m.State.Shutdown == 0 {
		return 0
	}
	return max(0, m.State.Shutdown+m.ActionLimit-now.Uptime) * 9 / 10
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
	case v == provider.Shutdown && (outcome == Done || outcome == TimedOut):
		s.Shutdown = asked
	case s.PowerFault:
	case v.Starts():
		s.Shutdown = 0
		s.Override = s.Override.used()
		s.PoweredOn = true
		s.Cause = cmp.Or(cause, CauseClient)
		s.PowerOn.seen(true, now.Clock)
	case v == provider.Off:
		s.Shutdown = 0
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
