package machine

import (
	"log/slog"
	"maps"
	"reflect"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Moment is a point in time by both clocks of the host.
type Moment struct {
	Uptime time.Duration // since the boot of the host, sleep included
	Clock  time.Time     // of day
}

// A Machine is a managed system and its BMC.
type Machine struct {
	State State
	// HostBoot is a different text each time the host is booted.
	HostBoot string
	// FRU is the inventory that the settings give, for fields that the provider does not know.
	FRU provider.FRU
	// ActionLimit is the time limit of an action. A guest that was asked to shut down is
	// given as long.
	ActionLimit time.Duration
	Log         *slog.Logger
	// Generation counts the changes of State: a State that has been saved is current as
	// long as Generation is the same.
	Generation uint64
	// Changed, unless it is nil, is called with the former state when the state has changed.
	Changed func(before State)

	expired time.Duration // deadline of the watchdog timer that expired last
	warned  time.Duration // and of the one that warned last
	// restored is set when the former boot device was set again, or could not be, since the
	// last change of the override and the last start.
	restored bool
	// restarted is set when the start that finishes a restart was asked for.
	restarted bool
	sweep     sweep
}

// Update changes the state.
func (m *Machine) Update(change func(*State)) {
	before := m.State
	m.State.Notes = maps.Clone(before.Notes)
	change(&m.State)
	if !reflect.DeepEqual(before, m.State) {
		m.changed(before)
	}
}

func (m *Machine) changed(before State) {
	m.Generation++
	if m.Changed != nil {
		m.Changed(before)
	}
}

// Revert goes back to a state that was saved, because a later one could not be.
func (m *Machine) Revert(saved State) {
	before := m.State
	m.State = saved
	m.changed(before)
}
