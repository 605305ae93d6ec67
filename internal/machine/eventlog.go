package machine

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// An EventLog holds what happened. Its entries are numbered on until it is cleared.
// When it is full, a new entry replaces the oldest.
type EventLog struct {
	Entries  []Entry `json:"entries,omitempty"` // oldest first
	Last     uint16  `json:"last,omitempty"`    // ID of the newest entry there ever was
	Overflow bool    `json:"overflow,omitempty"`
	// Additions counts the entries that were ever added, also before the log was cleared. A
	// client that reads the log in parts has read one log if the count is still the same.
	Additions uint64 `json:"additions,omitempty"`
	// Times are in seconds since 1970 by the clock of the log; 0: never.
	Added  uint32 `json:"added,omitempty"`
	Erased uint32 `json:"erased,omitempty"`
	// Ahead is how far the clock of the log is ahead of the host's, in seconds.
	Ahead     int64 `json:"ahead,omitempty"`
	UTCOffset int16 `json:"utc_offset,omitempty"` // in minutes, as a client set it
}

// An Entry is one entry of the event log: an event of ours, or a record that a client
// has added.
type Entry struct {
	ID     uint16 `json:"id"`
	Time   uint32 `json:"time"` // in seconds since 1970 by the clock of the log
	Event  Event  `json:"event,omitzero"`
	Record []byte `json:"record,omitempty"` // as the client's front encodes it
}

// An Event is something that happened to the managed system or its BMC.
type Event struct {
	Kind   EventKind     `json:"kind"`
	Use    WatchdogUse   `json:"use,omitempty"`    // of EventWatchdog and EventWatchdogWarning
	Action provider.Verb `json:"action,omitempty"` // of EventWatchdog; empty: none
}

// An EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventPowerOff   EventKind = "power off"
	EventPowerCycle EventKind = "power cycle"
	EventPowerUp    EventKind = "power up"
	EventHardReset  EventKind = "hard reset"
	EventInterrupt  EventKind = "diagnostic interrupt"
	EventShutdown   EventKind = "soft shutdown"
	EventPowerFault EventKind = "power fault"
	EventLogCleared EventKind = "log cleared"
	EventWatchdog   EventKind = "watchdog expired"

	EventWatchdogWarning EventKind = "watchdog warns"
)

// powerEvents are what a power action did, once its script has succeeded.
var powerEvents = map[provider.Verb]EventKind{
	provider.Off:      EventPowerOff,
	provider.Cycle:    EventPowerCycle,
	provider.On:       EventPowerUp,
	provider.Reset:    EventHardReset,
	provider.Diag:     EventInterrupt,
	provider.Shutdown: EventShutdown,
}

const (
	// MaxEvents is how many entries the log holds. A client reads them one by one, and
	// should finish in a second.
	MaxEvents = 256

	lastEntryID = 0xFFFE
)

// Free is how many entries can be added before the oldest is replaced.
func (l *EventLog) Free() int { return max(0, MaxEvents-len(l.Entries)) }

// Time is what the clock of the log shows.
func (l *EventLog) Time(at time.Time) uint32 { return uint32(at.Unix() + l.Ahead) }

func (l *EventLog) has(id uint16) bool {
	return slices.ContainsFunc(l.Entries, func(e Entry) bool { return e.ID == id })
}

// add gives an entry its ID and time and puts it at the end of the log.
func (l *EventLog) add(e Entry, at time.Time) {
	kept := slices.Clone(l.Entries[max(0, len(l.Entries)-MaxEvents+1):])
	l.Overflow = l.Overflow || len(kept) < len(l.Entries)
	l.Entries = kept
	for taken := true; taken; taken = l.has(l.Last) {
		l.Last = l.Last%lastEntryID + 1
	}
	l.Added = l.Time(at)
	l.Additions++
	e.ID, e.Time = l.Last, l.Added
	l.Entries = append(l.Entries, e)
}

// AddRecord adds what a client wants to have in the log, and returns its ID.
func (m *Machine) AddRecord(record []byte, now Moment) uint16 {
	m.Update(func(s *State) { s.Events.add(Entry{Record: slices.Clone(record)}, now.Clock) })
	return m.State.Events.Last
}

// DeleteEntry removes the entry with that index.
func (m *Machine) DeleteEntry(index int, now Moment) {
	m.Update(func(s *State) {
		s.Events.Entries = slices.Delete(slices.Clone(s.Events.Entries), index, index+1)
		s.Events.Erased = s.Events.Time(now.Clock)
	})
}

// ClearEvents empties the log and leaves one event that says so.
func (m *Machine) ClearEvents(now Moment) {
	m.Update(func(s *State) {
		l := &s.Events
		*l = EventLog{Erased: l.Time(now.Clock), Ahead: l.Ahead, UTCOffset: l.UTCOffset, Additions: l.Additions}
		l.add(Entry{Event: Event{Kind: EventLogCleared}}, now.Clock)
	})
}
