package redfish

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
)

func (s *Service) logServicesURI() string { return s.systemURI() + "/LogServices" }
func (s *Service) logURI() string         { return s.logServicesURI() + "/SEL" }
func (s *Service) entriesURI() string     { return s.logURI() + "/Entries" }

func getLogServices(s *Service, _ *Request) Answer {
	return done(collection(s.logServicesURI(), "LogServiceCollection", "Log Services", "SEL"))
}

// A logService is the event log (LogService).
type logService struct {
	resource
	ServiceEnabled      bool
	Status              status
	LogEntryType        string
	MaxNumberOfRecords  int
	OverWritePolicy     string
	DateTime            string
	DateTimeLocalOffset string
	Entries             *link
	Actions             logActions
}

type logActions struct {
	Clear action `json:"#LogService.ClearLog"`
}

const clearAction = "LogService.ClearLog"

func getLogService(s *Service, r *Request) Answer {
	return done(logService{
		resource:            newResource(s.logURI(), "LogService.v1_9_0", "SEL", "System Event Log"),
		ServiceEnabled:      true,
		Status:              enabled,
		LogEntryType:        "SEL",
		MaxNumberOfRecords:  machine.MaxEvents,
		OverWritePolicy:     "WrapsWhenFull",
		DateTime:            s.logClock(r.Now),
		DateTimeLocalOffset: utc,
		Entries:             linkTo(s.entriesURI()),
		Actions:             logActions{action{s.logURI() + "/Actions/" + clearAction}},
	})
}

// clearLog leaves one event that says so.
func clearLog(s *Service, r *Request) Answer {
	f, refused := newForm(r, clearAction)
	if refused != nil {
		return *refused
	}
	f.finish(nil)
	if len(*f.wrong) > 0 {
		return f.refused()
	}
	s.Machine.ClearEvents(r.Now)
	a := carriedOut()
	a.Stored = true
	return a
}

// A logEntry is an entry of the event log (LogEntry), which is a record of IPMI.
type logEntry struct {
	resource
	EntryType       string
	OemRecordFormat *string `json:",omitempty"`
	Created         *string `json:",omitempty"`
	Severity        string
	Message         string
	MessageID       *string `json:"MessageId,omitempty"`
	EntryCode       *string `json:",omitempty"`
	SensorType      *string `json:",omitempty"`
	SensorNumber    *int    `json:",omitempty"`
}

// getLogEntries has whole entries for members: clients rely on that (OData.AutoExpand).
func getLogEntries(s *Service, _ *Request) Answer {
	var all []logEntry
	for _, e := range s.Machine.State.Events.Entries {
		all = append(all, s.logEntry(e))
	}
	return done(newCollection(s.entriesURI(), "LogEntryCollection", "Log Entries", all))
}

func getLogEntry(s *Service, r *Request) Answer {
	for _, e := range s.Machine.State.Events.Entries {
		if strconv.Itoa(int(e.ID)) == r.id[0] {
			return done(s.logEntry(e))
		}
	}
	return notFound(r)
}

// happened are the machine's own events, in words.
var happened = map[machine.EventKind]struct{ text, severity string }{
	machine.EventPowerOff:   {"The machine was switched off.", ok},
	machine.EventPowerCycle: {"The machine was switched off and on.", ok},
	machine.EventPowerUp:    {"The machine was switched on.", ok},
	machine.EventHardReset:  {"The machine was reset.", ok},
	machine.EventInterrupt:  {"The machine got a diagnostic interrupt.", ok},
	machine.EventShutdown:   {"The guest was asked to shut down.", ok},
	machine.EventPowerFault: {"A power action failed.", critical},
	machine.EventLogCleared: {"The event log was cleared.", ok},
	machine.EventWatchdog:   {"The watchdog timer expired.", warning},

	machine.EventWatchdogWarning: {"The watchdog timer is about to expire.", warning},
}

// A record of IPMI (§32.1, §32.2), after its ID.
const (
	recordType     = 2
	recordTime     = 3  // of four bytes, if the record has a time
	recordSensor   = 10 // sensor type, number, direction and type of the event, event data
	recordLen      = 16
	recordEvent    = 0x02
	recordUntimed  = 0xE0 // and above: it has no time
	recordDeassert = 0x80 // of the direction
)

func (s *Service) logEntry(e machine.Entry) logEntry {
	id := strconv.Itoa(int(e.ID))
	entry := logEntry{
		resource:  newResource(s.entriesURI()+"/"+id, "LogEntry.v1_21_0", id, "Log Entry "+id),
		EntryType: "SEL",
		Severity:  ok,
	}
	var record [recordLen]byte
	copy(record[:], s.Record(e))
	kind := record[recordType]
	rest := record[recordTime:]
	if kind < recordUntimed {
		entry.Created = text(dateTime(time.Unix(int64(e.Time), 0)))
		rest = rest[4:]
	}
	if known, own := happened[e.Event.Kind]; own {
		entry.Message, entry.Severity = known.text, known.severity
	} else {
		entry.Message = fmt.Sprintf("A record of type 0x%02X: % X.", kind, rest)
	}
	if kind != recordEvent {
		entry.EntryType, entry.OemRecordFormat = "Oem", text(fmt.Sprintf("IPMI record type 0x%02X", kind))
		return entry
	}
	sensor, number, direction, data := record[recordSensor], record[recordSensor+1], record[recordSensor+2], record[recordSensor+3:]
	entry.SensorType, entry.SensorNumber = text(sensorType(sensor)), new(int(number))
	entry.MessageID = text(fmt.Sprintf("0x%06X", data))
	entry.EntryCode = text("Assert")
	if direction&recordDeassert != 0 {
		entry.EntryCode = text("Deassert")
	}
	return entry
}

// sensorTypes are the sensor types of IPMI (§42.2, table 42-3) in the words of Redfish, by
// their numbers.
var sensorTypes = [...]string{
	0x01: "Temperature", 0x02: "Voltage", 0x03: "Current", 0x04: "Fan", 0x05: "Physical Chassis Security",
	0x06: "Platform Security Violation Attempt", 0x07: "Processor", 0x08: "Power Supply / Converter",
	0x09: "PowerUnit", 0x0A: "CoolingDevice", 0x0B: "Other Units-based Sensor", 0x0C: "Memory",
	0x0D: "Drive Slot/Bay", 0x0E: "POST Memory Resize", 0x0F: "System Firmware Progress",
	0x10: "Event Logging Disabled", 0x11: "Watchdog", 0x12: "System Event", 0x13: "Critical Interrupt",
	0x14: "Button/Switch", 0x15: "Module/Board", 0x16: "Microcontroller/Coprocessor", 0x17: "Add-in Card",
	0x18: "Chassis", 0x19: "ChipSet", 0x1A: "Other FRU", 0x1B: "Cable/Interconnect", 0x1C: "Terminator",
	0x1D: "SystemBoot/Restart", 0x1E: "Boot Error", 0x1F: "BaseOSBoot/InstallationStatus",
	0x20: "OS Stop/Shutdown", 0x21: "Slot/Connector", 0x22: "System ACPI PowerState", 0x23: "Watchdog",
	0x24: "Platform Alert", 0x25: "Entity Presence", 0x26: "Monitor ASIC/IC", 0x27: "LAN",
	0x28: "Management Subsystem Health", 0x29: "Battery", 0x2A: "Session Audit", 0x2B: "Version Change",
	0x2C: "FRUState",
}

// sensorType is the word for a sensor type; OEM if the specification has none.
func sensorType(number byte) string {
	if number == 0 || int(number) >= len(sensorTypes) {
		return "OEM"
	}
	return sensorTypes[number]
}
