package ipmi

import (
	"bytes"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
)

// GuestSession is what the guest has for the ID of a session. Nothing ends such a session, and
// [Sessions] does not list it.
const GuestSession = 0xFFFFFFFF

// A SystemInterface is what the guest has set of the system interface, and what waits for it
// there. It is stored as JSON. The zero value is that of a new BMC.
type SystemInterface struct {
	// Enables are those of Set BMC Global Enables (§22.1), without the event log's.
	Enables byte `json:"enables,omitempty"`
	// Event is the event message buffer: a record of the event log, or empty.
	Event []byte `json:"event,omitempty"`
	// ACPI are the states of Set ACPI Power State (§20.6), for the system and for the device.
	ACPI [2]byte `json:"acpi,omitzero"`
}

// SystemCommands are the commands that only the guest has, or that are different for the
// guest. For all others, the guest has those of [Commands]. The guest need not be an operator
// or administrator to use its own interface.
var SystemCommands = []Command{
	{sensing, 0x00, "29.1", operator, Inline, 2, 2, "Set Event Receiver", setEventReceiver},
	{sensing, 0x01, "29.2", user, Inline, 0, 0, "Get Event Receiver", getEventReceiver},
	{sensing, 0x02, "29.3", operator, Once, 8, 8, "Platform Event Message", platformEventOfGuest},

	{app, 0x06, "20.6", operator, Inline, 2, 2, "Set ACPI Power State", setACPIPowerState},
	{app, 0x2E, "22.1", user, Inline, 1, 1, "Set BMC Global Enables", setBMCGlobalEnables},
	{app, 0x30, "22.3", user, Inline, 1, 1, "Clear Message Flags", clearMessageFlags},
	{app, 0x31, "22.4", user, Inline, 0, 0, "Get Message Flags", getMessageFlags},
	{app, 0x33, "22.6", user, Inline, 0, 0, "Get Message", getMessage},
	{app, 0x35, "22.8", user, Inline, 0, 0, "Read Event Message Buffer", readEventMessageBuffer},
	{app, 0x58, "22.14a", operator, Inline, 2, 18, "Set System Info Parameters", setSystemInfo},
}

// The BMC's enables (§22.1).
const (
	enableMessageInterrupt = 0x01
	enableEventInterrupt   = 0x02
	enableEventBuffer      = 0x04
	enableEventLog         = 0x08

	enablesKept = enableMessageInterrupt | enableEventInterrupt | enableEventBuffer
)

// setBMCGlobalEnables refuses to switch the event log off, which is for the clients over LAN,
// too, and what an OEM may have.
func setBMCGlobalEnables(b *BMC, r *Request) Answer {
	enables := r.Data[0]
	if enables&enableEventLog == 0 || enables&^(enablesKept|enableEventLog) != 0 {
		return reply(InvalidField)
	}
	b.setSystem(func(s *SystemInterface) { s.Enables = enables & enablesKept })
	return done()
}

func getBMCGlobalEnables(b *BMC, r *Request) Answer {
	if r.System {
		return done(b.System.Enables | enableEventLog)
	}
	return done(enableEventLog)
}

// The message flags (§22.4).
const (
	flagEvent   = 0x02 // the event message buffer is full
	flagWarning = 0x08 // the watchdog timer has warned

	messageFlagsReserved = 0x14
)

func (b *BMC) messageFlags() byte {
	return flag(b.System.Event != nil, flagEvent) | flag(b.Machine.State.Watchdog.Warned, flagWarning)
}

func getMessageFlags(b *BMC, _ *Request) Answer { return done(b.messageFlags()) }

// clearMessageFlags also empties the event message buffer.
func clearMessageFlags(b *BMC, r *Request) Answer {
	flags := r.Data[0]
	if flags&messageFlagsReserved != 0 {
		return reply(InvalidField)
	}
	if flags&flagEvent != 0 {
		b.setSystem(func(s *SystemInterface) { s.Event = nil })
	}
	if flags&flagWarning != 0 {
		b.Machine.Update(func(s *machine.State) { s.Watchdog.Warned = false })
	}
	return stored()
}

// getMessage finds nothing: no client over LAN can send a message to the guest.
func getMessage(*BMC, *Request) Answer { return reply(nothingWaits) }

func readEventMessageBuffer(b *BMC, _ *Request) Answer {
	event := b.System.Event
	if event == nil {
		return reply(nothingWaits)
	}
	b.setSystem(func(s *SystemInterface) { s.Event = nil })
	return done(event...)
}

// setSystem changes the system interface.
func (b *BMC) setSystem(change func(*SystemInterface)) {
	before := b.System
	change(&b.System)
	if s := b.System; s.Enables != before.Enables || s.ACPI != before.ACPI || !bytes.Equal(s.Event, before.Event) {
		b.KeepSystem(s)
	}
}

// resetSystem makes the system interface that of a new BMC.
func (b *BMC) resetSystem() {
	b.setSystem(func(s *SystemInterface) { *s = SystemInterface{} })
	b.Machine.Update(func(s *machine.State) { s.Watchdog.Warned = false })
}

// A Signal is what the hardware of the system interface shows to the guest.
type Signal struct {
	Interrupts bool // there is an interrupt for each response
	Attention  bool // a message flag is set
	// AttentionInterrupt is set if there is an interrupt for Attention, too.
	AttentionInterrupt bool
}

// Signal is what the guest must see now.
func (b *BMC) Signal() Signal {
	return Signal{
		Interrupts:         b.System.Enables&enableMessageInterrupt != 0,
		Attention:          b.messageFlags() != 0,
		AttentionInterrupt: b.System.Enables&(enableMessageInterrupt|enableEventInterrupt) != 0,
	}
}

// Changed must be called when the state of the machine has changed. The first new event of the
// log goes into the event message buffer, if the guest has switched that on.
func (b *BMC) Changed(before machine.State) {
	l := &b.Machine.State.Events
	if l.Additions <= before.Events.Additions {
		return
	}
	added := min(l.Additions-before.Events.Additions, uint64(len(l.Entries)))
	for _, e := range l.Entries[uint64(len(l.Entries))-added:] {
		if slices.Contains(powerChanges, e.Event.Kind) {
			b.setSystem(func(s *SystemInterface) { s.ACPI = [2]byte{} })
		}
		record := SELRecord(e)
		if b.System.Event == nil && b.System.Enables&enableEventBuffer != 0 && record[2] == recordEvent {
			b.setSystem(func(s *SystemInterface) { s.Event = record })
		}
	}
}

// powerChanges are the events after which the guest, if one runs, has started again.
var powerChanges = []machine.EventKind{
	machine.EventPowerOff, machine.EventPowerCycle, machine.EventPowerUp, machine.EventHardReset,
}

// setEventReceiver accepts only the present setting: the BMC is the receiver of its own events.
func setEventReceiver(_ *BMC, r *Request) Answer {
	if r.Data[0] != deviceID || r.Data[1] != 0 {
		return reply(InvalidField)
	}
	return done()
}

func getEventReceiver(*BMC, *Request) Answer { return done(deviceID, 0) }

// platformEventOfGuest logs an event that the guest reports, which names its generator. The
// kernel of a guest does that when it panics.
func platformEventOfGuest(b *BMC, r *Request) Answer {
	return b.logPlatformEvent(r, [2]byte{r.Data[0]}, r.Data[1:])
}

// The states of Set ACPI Power State (§20.6, table 20-8).
const (
	acpiSet     = 0x80 // else the request leaves the state as it is
	acpiUnknown = 0x2A
	acpiD3      = 0x03
)

// acpiSystemStates are the states that a system can be in: S0 to S5, combinations of them, the
// legacy states and unknown.
var acpiSystemStates = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0A, 0x0B, 0x0C, 0x20, 0x21, acpiUnknown}

// setACPIPowerState keeps what the guest says of itself, for Get ACPI Power State. A power
// action ends that.
func setACPIPowerState(b *BMC, r *Request) Answer {
	states := b.System.ACPI
	for i, v := range r.Data {
		state := v &^ acpiSet
		known := state <= acpiD3 || state == acpiUnknown
		if i == 0 {
			known = slices.Contains(acpiSystemStates, state)
		}
		switch {
		case v&acpiSet == 0:
		case !known:
			return reply(InvalidField)
		default:
			states[i] = state
		}
	}
	b.setSystem(func(s *SystemInterface) { s.ACPI = states })
	return done()
}
