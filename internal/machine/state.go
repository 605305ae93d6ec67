package machine

import "github.com/shipmi/shipmi/internal/provider"

// A State is what a BMC keeps when its process ends and when its host is booted again.
// The zero value is the state of a new BMC. It is stored as JSON.
type State struct {
	Override Override `json:"override,omitzero"`
	// PowerFault is set while the last power action failed.
	PowerFault bool `json:"power_fault,omitempty"`
	// PoweredOn is set if the last change to on came from a power action.
	PoweredOn bool          `json:"powered_on,omitempty"`
	Restore   RestorePolicy `json:"restore,omitempty"`
	// RestoredIn is the boot of the host in which Restore was last set or carried out.
	RestoredIn string      `json:"restored_in,omitempty"`
	Cause      Cause       `json:"cause,omitempty"`
	PowerOn    PowerOnTime `json:"power_on,omitzero"`
	Identify   Identify    `json:"identify,omitzero"`
	Watchdog   Watchdog    `json:"watchdog,omitzero"`
	Events     EventLog    `json:"events,omitzero"`
	// Notes hold what a front must keep and what has no meaning for the machine, by a name
	// that begins with the front's. A note is replaced, never changed.
	Notes map[string][]byte `json:"notes,omitempty"`
}

// NextBoot is the state after the host has been booted: everything that is measured
// in time since boot is over.
func (s State) NextBoot() State {
	s.Watchdog.Running = false
	s.Identify.Until = 0
	if s.Override.expires() {
		s.Override.Valid = false
	}
	if s.Override.Set != 0 {
		s.Override.Set = -OverrideLife // it has waited too long, should overrides expire again
	}
	return s
}

// Note sets a note.
func (s *State) Note(name string, value []byte) {
	if s.Notes == nil {
		s.Notes = make(map[string][]byte)
	}
	s.Notes[name] = value
}

// starts reports whether the managed system boots when the script of v has succeeded.
func starts(v provider.Verb) bool {
	return v == provider.On || v == provider.Cycle || v == provider.Reset
}

// SetNote replaces the note of that name.
func (m *Machine) SetNote(name string, note []byte) {
	m.Update(func(s *State) { s.Note(name, note) })
}
