package ipmi

import (
	"fmt"
	"strings"
)

// softwareID is the generator of events that "shipmi event" adds: system management software (§32.1, table 5-4).
const softwareID = 0x41<<1 | 1

const (
	deasserted = 0x80 // in the event/reading type of a record (§32.1)
	maxOffset  = 14   // of a sensor's events (§42.1)
)

// SensorNames lists the sensors for which [SoftwareEvent] makes records.
func SensorNames() (names []string) {
	for _, s := range sensors {
		names = append(names, s.name)
	}
	return names
}

// SoftwareEvent returns the data of an Add SEL Entry request (§31.6) that reports an event of a sensor. The meaning of the
// offset, 0 to 14, depends on the type of the sensor (§42.2, table 42-3).
func SoftwareEvent(name string, offset uint, asserted bool) ([]byte, error) {
	if offset > maxOffset {
		return nil, fmt.Errorf("offset %d: want 0 to %d", offset, maxOffset)
	}
	for _, s := range sensors {
		if !strings.EqualFold(s.name, name) {
			continue
		}
		kind := byte(sensorSpecific)
		if !asserted {
			kind |= deasserted
		}
		return []byte{0, 0, recordEvent, 0, 0, 0, 0, softwareID, 0, eventRevision, s.kind, s.number, kind, byte(offset), noDetail, noDetail}, nil
	}
	return nil, fmt.Errorf("no sensor %q: want %s", name, strings.Join(SensorNames(), ", "))
}
