package machine

import (
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Watchdog is a timer that something in the managed system must restart again and
// again. When it expires, the BMC acts. It counts also while no process runs, and it
// stops when the host is booted.
type Watchdog struct {
	Use       WatchdogUse   `json:"use,omitempty"`     // zero: never set
	Action    provider.Verb `json:"action,omitempty"`  // what to do at the timeout; empty: nothing
	Quiet     bool          `json:"quiet,omitempty"`   // no event at the timeout
	Expired   byte          `json:"expired,omitempty"` // bit n is set: a timer with use n has expired
	Countdown time.Duration `json:"countdown,omitempty"`
	Deadline  time.Duration `json:"deadline,omitempty"` // since the boot of the host
	Running   bool          `json:"running,omitempty"`
	// PreTimeout is how long before its end a timer warns the guest, if Warns is set.
	PreTimeout time.Duration `json:"pre_timeout,omitempty"`
	Warns      bool          `json:"warns,omitempty"`
	// Warned is set when the timer has warned the guest, until the guest takes notice.
	Warned bool `json:"warned,omitempty"`
	Over   bool `json:"over,omitempty"` // it ran to its end and has not been set since
}

// A WatchdogUse says which part of the managed system restarts the timer. The numbers
// are those of IPMI and Redfish.
type WatchdogUse byte

// The uses.
const (
	UseFirmwareTest WatchdogUse = 1 // BIOS FRB2
	UsePOST         WatchdogUse = 2
	UseOSLoad       WatchdogUse = 3
	UseManagementOS WatchdogUse = 4 // SMS/OS
	UseOEM          WatchdogUse = 5
)

// Left is how long a timer that runs has to go.
func (w Watchdog) Left(now Moment) (time.Duration, bool) {
	return max(0, w.Deadline-now.Uptime), w.Running
}

// Start loads the timer with its countdown and starts it.
func (w *Watchdog) Start(now Moment) {
	w.Running, w.Over, w.Warned, w.Deadline = true, false, false, now.Uptime+w.Countdown
}

// WatchdogLeft is how long the watchdog timer has to go, if it runs and has not been
// handled by [Machine.WatchdogExpired].
func (m *Machine) WatchdogLeft(now Moment) (time.Duration, bool) {
	left, running := m.State.Watchdog.Left(now)
	return left, running && m.State.Watchdog.Deadline != m.expired
}

// WarningLeft is how long the watchdog timer has to go until it warns the guest, if it will
// and has not been handled by [Machine.WatchdogWarns].
func (m *Machine) WarningLeft(now Moment) (time.Duration, bool) {
	w := m.State.Watchdog
	left, running := m.WatchdogLeft(now)
	warns := running && w.Warns && w.PreTimeout > 0 && !w.Warned && w.Deadline != m.warned
	return max(0, left-w.PreTimeout), warns
}

// WatchdogWarns notes that the guest is warned. One timer warns once, also if the state cannot
// be saved.
func (m *Machine) WatchdogWarns(now Moment) {
	w := m.State.Watchdog
	m.warned = w.Deadline
	m.Update(func(s *State) {
		s.Watchdog.Warned = true
		if !w.Quiet {
			s.Events.add(Entry{Event: Event{Kind: EventWatchdogWarning, Use: w.Use}}, now.Clock)
		}
	})
	m.Log.Warn("watchdog warns", "use", w.Use, "left", w.PreTimeout)
}

// WatchdogExpired stops the timer and returns the verb of its action; empty if it has
// none. One timer expires once, also if the state cannot be saved.
func (m *Machine) WatchdogExpired(now Moment) provider.Verb {
	w := m.State.Watchdog
	m.expired = w.Deadline
	m.Update(func(s *State) {
		s.Watchdog.Running, s.Watchdog.Over = false, true
		s.Watchdog.Expired |= 1 << w.Use
		if !w.Quiet {
			s.Events.add(Entry{Event: Event{Kind: EventWatchdog, Use: w.Use, Action: w.Action}}, now.Clock)
		}
	})
	m.Log.Warn("watchdog expired", "use", w.Use, "action", w.Action)
	return w.Action
}
