package ipmi

import (
	"encoding/binary"

	"github.com/shipmi/shipmi/internal/machine"
)

// An event is an event of a sensor (§32.1).
type event struct {
	sensor byte // number
	offset byte // of the sensor's type
	detail byte // event data 2, as the type defines it; 0: none
}

// events are the sensors' events for the events of the machine. The event of the
// watchdog has its action for an offset, see eventOf.
var events = map[machine.EventKind]event{
	machine.EventPowerOff:   {sensorPower, unitOff, 0},
	machine.EventPowerCycle: {sensorPower, unitCycle, 0},
	machine.EventPowerFault: {sensorPower, unitFailed, 0},
	machine.EventPowerUp:    {sensorBoot, startPowerUp, 0},
	machine.EventHardReset:  {sensorBoot, startHardReset, 0},
	machine.EventInterrupt:  {sensorInterrupt, interruptDiag, 0},
	machine.EventShutdown:   {sensorOS, osShutdown, 0},
	machine.EventLogCleared: {sensorLog, logCleared, 0},
}

// eventOf is the event of a sensor that an event of the machine is, if it is one.
func eventOf(e machine.Event) (event, bool) {
	switch e.Kind {
	case machine.EventWatchdog:
		return event{sensorWatchdog, timerAction(e.Action), byte(e.Use)}, true
	case machine.EventWatchdogWarning:
		return event{sensorWatchdog, timerInterrupt, messagingOnWarn<<interruptShift | byte(e.Use)}, true
	}
	known, ok := events[e.Kind]
	return known, ok
}

// The record types of the event log (§32).
const (
	recordEvent   = 0x02
	recordTimed   = 0xC0 // and above: of an OEM, with a time
	recordUntimed = 0xE0 // and above: of an OEM, without a time

	recordTimeStart = 3
)

const (
	eventRevision = 0x04
	detailDefined = 0xC0 // event data 2 is as the sensor type defines it
	noDetail      = 0xFF
)

// SELRecord lays out an entry of the event log. An event that IPMI has no word for is
// an OEM's record with nothing but a time.
func SELRecord(e machine.Entry) Record {
	r := make(Record, selRecordLen)
	r[2] = recordTimed
	if e.Record != nil {
		copy(r, e.Record)
	} else if ev, ok := eventOf(e.Event); ok {
		copy(r[2:], ev.record())
	}
	binary.LittleEndian.PutUint16(r, e.ID)
	if r[2] < recordUntimed {
		binary.LittleEndian.PutUint32(r[recordTimeStart:], e.Time)
	}
	return r
}

// record lays out a record of the event, from the record type on, without a time.
func (e event) record() []byte {
	data1, detail := e.offset, byte(noDetail)
	if e.detail != 0 {
		data1, detail = e.offset|detailDefined, e.detail
	}
	return []byte{
		recordEvent, 0, 0, 0, 0,
		deviceID, 0, // the BMC has generated the event
		eventRevision, sensorOf(e.sensor).kind, e.sensor, sensorSpecific,
		data1, detail, noDetail,
	}
}
