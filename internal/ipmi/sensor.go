package ipmi

import (
	"encoding/binary"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
)

// A sensor is something that has a state, or that events come from.
type sensor struct {
	number byte
	kind   byte   // sensor type (§42.2, table 42-3), which gives the offsets their meaning
	entity byte   // the part it belongs to (§43.14, table 43-13)
	name   string // of 16 bytes at most
	events uint16 // a bit for each offset that it logs
	states uint16 // and for each that it can be in; 0: it only has events
	power  bool   // its state depends on whether the managed system is on
	read   func(s *machine.State, on bool) uint16
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

// sensors are the discrete sensors that every BMC has. For those that measure something, see
// [analog].
var sensors = []sensor{
	{sensorACPI, 0x22, entityBoard, "ACPI Power State", 0, bits(acpiWorking, acpiSoftOff), true, readACPI},
	{sensorPower, 0x09, entityPower, "Power Unit", bits(unitOff, unitCycle, unitFailed), bits(unitOff, unitFailed), true, readPower},
	{sensorWatchdog, 0x23, entityManagement, "Watchdog", bits(0, 1, 2, 3), bits(0, 1, 2, 3), false, readWatchdog},
	{sensorBoot, 0x1D, entityBoard, "System Boot", bits(startPowerUp, startHardReset), 0, false, nil},
	{sensorOS, 0x20, entityOS, "OS Shutdown", bits(osShutdown), 0, false, nil},
	{sensorInterrupt, 0x13, entityBoard, "Diag Interrupt", bits(interruptDiag), 0, false, nil},
	{sensorLog, 0x10, entityManagement, "Event Log", bits(logCleared), 0, false, nil},
}

// Offsets of the sensors' types. The watchdog's offsets are its timer actions.
const (
	timerInterrupt = 8 // of the watchdog, before the timeout

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

func readACPI(_ *machine.State, on bool) uint16 {
	if on {
		return bits(acpiWorking)
	}
	return bits(acpiSoftOff)
}

func readPower(s *machine.State, on bool) (states uint16) {
	if !on {
		states |= bits(unitOff)
	}
	if s.PowerFault {
		states |= bits(unitFailed)
	}
	return states
}

func readWatchdog(s *machine.State, _ bool) uint16 {
	if s.Watchdog.Expired == 0 {
		return 0
	}
	return bits(timerAction(s.Watchdog.Action))
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

// Bits of the answer for every sensor (§35.14).
const (
	sensorActive      = 0xC0 // events are logged, the sensor is scanned
	sensorUnavailable = 0x20 // the state is not known at present
)

// getSensorReading answers with the states that a sensor is in, or with its reading.
func getSensorReading(b *BMC, r *Request) Answer {
	if r.Data[0] >= machine.FirstSensor {
		return b.readAnalog(r, func(a analog, active, raw byte) Answer {
			states := byte(reservedStates)
			if active&sensorUnavailable == 0 {
				states |= a.reached(raw)
			}
			return done(raw, active, states)
		})
	}
	return b.readSensor(r, func(_ *sensor, active byte, states uint16) Answer {
		return done(0, active, byte(states), byte(states>>8)|0x80)
	})
}

// getSensorEventStatus answers with those states of a sensor that have events. Those of the
// provider have none.
func getSensorEventStatus(b *BMC, r *Request) Answer {
	if r.Data[0] >= machine.FirstSensor {
		return b.readAnalog(r, func(_ analog, active, _ byte) Answer { return done(active, 0, 0, 0, 0) })
	}
	return b.readSensor(r, func(s *sensor, active byte, states uint16) Answer {
		return done(append(binary.LittleEndian.AppendUint16([]byte{active}, states&s.events), 0, 0)...)
	})
}

// readSensor completes an answer with the state of a sensor. If the status script does
// not tell it, the state is unknown. An error would hide all other sensors from some
// clients.
func (b *BMC) readSensor(r *Request, then func(s *sensor, active byte, states uint16) Answer) Answer {
	s, ok := readable(r.Data[0])
	if !ok {
		return reply(NotPresent)
	}
	if !s.power {
		return then(s, sensorActive, s.read(&b.Machine.State, false))
	}
	answer := b.status(func(on bool, _ machine.Moment) Answer {
		return then(s, sensorActive, s.read(&b.Machine.State, on))
	})
	known := answer.Question.Then
	answer.Question.Then = func(reading machine.Reading, now machine.Moment) Answer {
		if a := known(reading, now); a.Code == OK {
			return a
		}
		return then(s, sensorActive|sensorUnavailable, 0)
	}
	return answer
}

// getSensorEventEnable answers with the events that a sensor logs.
func getSensorEventEnable(b *BMC, r *Request) Answer {
	if r.Data[0] >= machine.FirstSensor {
		return b.withAnalog(r.Data[0], func(analog) Answer { return done(analogActive, 0, 0, 0, 0) })
	}
	s, ok := readable(r.Data[0])
	if !ok {
		return reply(NotPresent)
	}
	return done(append(binary.LittleEndian.AppendUint16([]byte{sensorActive}, s.events), 0, 0)...)
}
