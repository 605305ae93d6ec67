package machine

import (
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// A State is what a BMC keeps when its process ends and when its host is booted again.
// The zero value is the state of a new BMC. It is stored as JSON.
type State struct {
	Override Override `json:"override,omitzero"`
	// Former is what the managed system booted from before the override for one boot. It is
	// set again when that override has ended: see [Machine.RestoreBoot].
	Former provider.Boot `json:"former,omitzero"`
	// Original is what the managed system booted from before the first override, while an
	// override for every boot may be in place.
	Original provider.Boot `json:"original,omitzero"`
	// FormerLost is set if a boot device was set and it is not known what the managed system
	// booted from before.
	FormerLost bool `json:"former_lost,omitempty"`
	// BootFailed is set if a boot device could not be set although a client was told that it
	// would be. The next start that a client asks for is refused. A boot device that is set
	// or taken back clears BootFailed, and so does that one refusal.
	BootFailed bool `json:"boot_failed,omitempty"`
	// Shutdown is when the guest was last asked to shut down, in time since boot, until the
	// managed system is known to be off or was started. 0: it was not asked.
	Shutdown time.Duration `json:"shutdown,omitempty"`
	// Restart is set while a start must follow because a client asked for a restart by way of
	// the guest: see [Machine.Restarts].
	Restart bool `json:"restart,omitempty"`
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
	// Media is the image that was inserted last and not ejected since.
	Media Media `json:"media,omitzero"`
	// Sensors are those that the provider had when it was last read.
	Sensors provider.Sensors `json:"sensors,omitzero"`
	// Notes hold what a front must keep and what has no meaning for the machine, by a name
	// that begins with the front's. A note is replaced, never changed.
	Notes map[string][]byte `json:"notes,omitempty"`
}

// NextBoot is the state after the host has been booted: everything that is measured
// in time since boot is over.
func (s State) NextBoot() State {
	s.Watchdog.Running, s.Watchdog.Warned = false, false
	s.Shutdown, s.Restart = 0, false
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

// SetNote replaces the note of that name.
func (m *Machine) SetNote(name string, note []byte) {
	m.Update(func(s *State) { s.Note(name, note) })
}
