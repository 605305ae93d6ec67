package ipmi

import (
	"encoding/binary"
	"slices"
)

// A sensor is what the BMC can tell the state of, or what events come from.
type sensor struct {
	number byte
	kind   byte   // sensor type (§42.2, table 42-3), which gives the offsets their meaning
	entity byte   // what it belongs to (§43.14, table 43-13)
	name   string // of 16 bytes at most
	events uint16 // a bit for each offset that it logs
	states uint16 // and for each that it can be in; 0: it only has events
	power  bool   // whether its state depends on whether the managed system is on
	read   func(s *State, on bool) uint16
}

// Entities.
const (
	entityManagement = 0x06
	entityBoard      = 0x07
	entityPower      = 0x13
	entityOS         = 0x23
)

// Sensor numbers.
const (
	sensorACPI = 1 + iota
	sensorPower
	sensorWatchdog
	sensorBoot
	sensorOS
	sensorInterrupt
	sensorLog
)

// sensors are all discrete: there is nothing to measure.
var sensors = []sensor{
	{sensorACPI, 0x22, entityBoard, "ACPI Power State", 0, bits(acpiWorking, acpiSoftOff), true, readACPI},
	{sensorPower, 0x09, entityPower, "Power Unit", bits(unitOff, unitCycle, unitFailed), bits(unitOff, unitFailed), true, readPower},
	{sensorWatchdog, 0x23, entityManagement, "Watchdog", bits(0, 1, 2, 3), bits(0, 1, 2, 3), false, readWatchdog},
	{sensorBoot, 0x1D, entityBoard, "System Boot", bits(startPowerUp, startHardReset), 0, false, nil},
	{sensorOS, 0x20, entityOS, "OS Shutdown", bits(osShutdown), 0, false, nil},
	{sensorInterrupt, 0x13, entityBoard, "Diag Interrupt", bits(interruptDiag), 0, false, nil},
	{sensorLog, 0x10, entityManagement, "Event Log", bits(logCleared), 0, false, nil},
}

// Offsets of the sensors' types. Those of the watchdog are its timer actions.
const (
	acpiWorking = 0
	acpiSoftOff = 5

	unitOff    = 0
	unitCycle  = 1
	unitFailed = 5 // soft power control failure

	startPowerUp   = 0
	startHardReset = 1

	osShutdown    = 3
	interruptDiag = 0
	logCleared    = 2
)

func bits(offsets ...byte) (mask uint16) {
	for _, offset := range offsets {
		mask |= 1 << offset
	}
	return mask
}

func readACPI(_ *State, on bool) uint16 {
	if on {
		return bits(acpiWorking)
	}
	return bits(acpiSoftOff)
}

func readPower(s *State, on bool) (states uint16) {
	if !on {
		states |= bits(unitOff)
	}
	if s.PowerFault {
		states |= bits(unitFailed)
	}
	return states
}

func readWatchdog(s *State, _ bool) uint16 {
	if s.Watchdog.Expired == 0 {
		return 0
	}
	return bits(s.Watchdog.Actions)
}

func sensorOf(number byte) *sensor {
	i := slices.IndexFunc(sensors, func(s sensor) bool { return s.number == number })
	if i < 0 {
		return nil
	}
	return &sensors[i]
}

// readable finds a sensor that has a state to read.
func readable(number byte) (*sensor, bool) {
	s := sensorOf(number)
	return s, s != nil && s.states != 0
}

// What is said of every sensor (§35.14).
const (
	sensorActive      = 0xC0 // all events are logged, the state is looked after
	sensorUnavailable = 0x20 // but just now it is not known
)

// getSensorReading answers with the states that a sensor is in.
func getSensorReading(b *BMC, r *Request) Answer {
	return b.readSensor(r, func(_ *sensor, active byte, states uint16) Answer {
		return done(0, active, byte(states), byte(states>>8)|0x80)
	})
}

// getSensorEventStatus answers with those states of a sensor that have events.
func getSensorEventStatus(b *BMC, r *Request) Answer {
	return b.readSensor(r, func(s *sensor, active byte, states uint16) Answer {
		return done(append(binary.LittleEndian.AppendUint16([]byte{active}, states&s.events), 0, 0)...)
	})
}

// readSensor completes an answer with the state of a sensor. Where the status
// script does not say it, the state is not known: one script that fails must not
// hide all the other sensors from a console.
func (b *BMC) readSensor(r *Request, then func(s *sensor, active byte, states uint16) Answer) Answer {
	s, ok := readable(r.Data[0])
	if !ok {
		return reply(NotPresent)
	}
	if !s.power {
		return then(s, sensorActive, s.read(&b.State, false))
	}
	unknown := then(s, sensorActive|sensorUnavailable, 0)
	answer := b.status(r, func(on bool) Answer { return then(s, sensorActive, s.read(&b.State, on)) })
	if answer.Script == nil {
		return unknown
	}
	known := answer.Script.Then
	answer.Script.Then = func(res Result) Answer {
		if a := known(res); a.Code == OK {
			return a
		}
		return unknown
	}
	return answer
}

// getSensorEventEnable answers with the events that a sensor logs.
func getSensorEventEnable(_ *BMC, r *Request) Answer {
	s, ok := readable(r.Data[0])
	if !ok {
		return reply(NotPresent)
	}
	return done(append(binary.LittleEndian.AppendUint16([]byte{sensorActive}, s.events), 0, 0)...)
}
