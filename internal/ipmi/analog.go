package ipmi

import (
	"math"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// An analog is a sensor that the provider declares, with its scale.
type analog struct {
	provider.Sensor
	number byte
	scale
}

// analogs are the sensors of the provider.
func (b *BMC) analogs() []analog {
	var all []analog
	for i, s := range b.Machine.State.Sensors.All {
		all = append(all, analog{s, machine.FirstSensor + byte(i), scaleOf(s.Min, s.Max)})
	}
	return all
}

// analogOf finds a sensor of the provider.
func (b *BMC) analogOf(number byte) (analog, bool) {
	all := b.analogs()
	if number < machine.FirstSensor || int(number-machine.FirstSensor) >= len(all) {
		return analog{}, false
	}
	return all[number-machine.FirstSensor], true
}

// withSensors completes an answer that depends on which sensors the provider has. No script
// runs.
func withSensors(then func() Answer) Answer { return Answer{Sensors: then} }

// withReadings completes an answer with the readings of all sensors, which are asked for if
// the last ones are no longer current.
func (b *BMC) withReadings(now machine.Moment, then func() Answer) Answer {
	verb := b.Machine.SweepNeeds(now)
	if verb == "" {
		return then()
	}
	return Answer{Question: &Question{Verb: verb, Then: func(r machine.Reading, now machine.Moment) Answer {
		b.Machine.Swept(verb, r, now)
		return b.withReadings(now, then)
	}}}
}

// Units and kinds of sensors.
const (
	typeTemperature = 0x01
	typeVoltage     = 0x02
	typeCurrent     = 0x03
	typeFan         = 0x04
	typeOther       = 0x0B // a sensor that its unit describes
	entityFan       = 0x1D
	percentage      = 0x01 // in the first byte of units
)

// kinds are the sensor type (§42.2, table 42-3) and the entity (§43.14, table 43-13) of each
// kind.
var kinds = map[provider.Kind]struct{ kind, entity byte }{
	provider.Temperature: {typeTemperature, entityBoard},
	provider.Voltage:     {typeVoltage, entityPower},
	provider.Current:     {typeCurrent, entityPower},
	provider.Fan:         {typeFan, entityFan},
	provider.Power:       {typeOther, entityPower},
	provider.Frequency:   {typeOther, entityPower},
	provider.Humidity:    {typeOther, entityBoard},
	provider.Utilization: {typeOther, entityBoard},
}

// units are the codes of units (§43.17, table 43-15).
var units = map[provider.Unit]byte{
	provider.Celsius: 0x01, provider.Volt: 0x04, provider.Ampere: 0x05, provider.Watt: 0x06, provider.RPM: 0x12,
	provider.Hertz: 0x13,
}

// record is the full sensor record (§43.1, table 43-1).
func (a analog) record() Record {
	const (
		scanned    = 0x01 // initialization
		noEvents   = 0x03
		readable   = 0x04 // thresholds can be read
		threshold  = 0x01 // event/reading type
		linear     = 0x00
		halfACount = 0x01 // tolerance
	)
	mask := a.mask()
	capabilities := byte(autoRearm | noEvents)
	if mask != 0 {
		capabilities |= readable
	}
	kind := kinds[a.Kind]
	body := []byte{
		deviceID, 0, a.number, kind.entity, firstInstance, scanned, capabilities, kind.kind, threshold,
		0, mask & 0x07 << 4, 0, mask >> 3 << 4, // no events; thresholds that a reading is compared with
		mask, 0, // thresholds that can be read; none can be set
	}
	unit, one := units[a.Unit], byte(0)
	if a.Unit == provider.Percent {
		one = percentage
	}
	body = append(body, one, unit, 0, linear,
		byte(a.m), byte(a.m>>8)<<6|halfACount,
		byte(a.b), byte(a.b>>8)<<6, 0, // accuracy is not specified
		byte(a.resultExp)<<4|byte(a.bExp)&0x0F,
		0, 0, 0, 0, // nominal and normal readings are not specified
		a.raw(a.Max), a.raw(a.Min))
	limits := a.limits()
	slices.Reverse(limits)
	return sdr(sdrFull, a.Name, append(append(body, limits...),
		0, 0, // hysteresis
		0, 0, // reserved
		0)...) // OEM
}

// limits are the raw readings of all thresholds; 0 for those that the sensor has not.
func (a analog) limits() (all []byte) {
	for _, t := range provider.Thresholds {
		raw := byte(0)
		if limit, has := a.Limits[t]; has {
			raw = a.raw(limit)
		}
		all = append(all, raw)
	}
	return all
}

// mask has a bit for each threshold that the sensor has (§35.9).
func (a analog) mask() (mask byte) {
	for i, t := range provider.Thresholds {
		if _, has := a.Limits[t]; has {
			mask |= 1 << i
		}
	}
	return mask
}

// reached has a bit for each threshold that a raw reading has reached (§35.14). Clients, too,
// compare raw readings.
func (a analog) reached(raw byte) (mask byte) {
	limits := a.limits()
	for i, t := range provider.Thresholds {
		if t.Low() && raw <= limits[i] || !t.Low() && raw >= limits[i] {
			mask |= 1 << i
		}
	}
	return mask & a.mask()
}

const (
	analogActive   = 0x40 // the sensor is scanned, no events are logged
	reservedStates = 0xC0
)

// withAnalog completes an answer about a sensor of the provider, if there is one with that
// number.
func (b *BMC) withAnalog(number byte, then func(analog) Answer) Answer {
	if number < machine.FirstSensor {
		return reply(NotPresent)
	}
	return withSensors(func() Answer {
		a, known := b.analogOf(number)
		if !known {
			return reply(NotPresent)
		}
		return then(a)
	})
}

// readAnalog completes an answer with the raw reading of a sensor of the provider.
func (b *BMC) readAnalog(r *Request, then func(a analog, active, raw byte) Answer) Answer {
	now := r.Now
	return b.withAnalog(r.Data[0], func(a analog) Answer {
		return b.withReadings(now, func() Answer {
			value, known := b.Machine.SensorReading(a.Name)
			if !known {
				return then(a, analogActive|sensorUnavailable, 0)
			}
			return then(a, analogActive, a.raw(value))
		})
	})
}

// getSensorThresholds answers with the thresholds of a sensor. A BMC whose provider has no
// sensors does not know the command.
func getSensorThresholds(b *BMC, r *Request) Answer {
	number := r.Data[0]
	return withSensors(func() Answer {
		a, known := b.analogOf(number)
		switch {
		case len(b.Machine.State.Sensors.All) == 0:
			return reply(InvalidCommand)
		case !known && sensorOf(number) != nil:
			return reply(IllegalForSensor)
		case !known:
			return reply(NotPresent)
		}
		return done(append([]byte{a.mask()}, a.limits()...)...)
	})
}

// Shown is what a client makes of a reading: the nearest one that its record can say, and the
// worst threshold that it has then reached.
func Shown(s provider.Sensor, reading float64) (float64, provider.Threshold) {
	scale := scaleOf(s.Min, s.Max)
	round := func(n float64) float64 { return scale.value(scale.raw(n)) }
	shown := s
	shown.Limits = make(map[provider.Threshold]float64)
	for t, limit := range s.Limits {
		shown.Limits[t] = round(limit)
	}
	return round(reading), shown.Crossed(round(reading))
}

// A scale says what the raw readings 0 to 255 of a sensor mean (§36.3):
// (m × raw + b × 10^bExp) × 10^resultExp.
type scale struct {
	m, b            int16 // 10 bits, two's complement
	bExp, resultExp int8  // 4 bits, two's complement
}

const (
	maxRaw  = 255
	maxB    = 511
	leastE  = -8
	greatE  = 7
	maxStep = 99 // for m: two digits, so that readings are round numbers
)

// scaleOf is the finest scale whose steps have two digits and whose readings reach from least
// to greatest.
func scaleOf(least, greatest float64) scale {
	for e := leastE; ; e++ {
		s := scale{resultExp: int8(e)}
		if !s.offset(least) {
			continue
		}
		span := (greatest - s.value(0)) / math.Pow10(e)
		if m := math.Ceil(span/maxRaw - 1e-9); m <= maxStep {
			s.m = int16(max(1, m))
			return s
		}
	}
}

// offset sets b and its exponent so that the lowest reading is the greatest number not above
// least that they can say, if there is one.
func (s *scale) offset(least float64) (fits bool) {
	if least == 0 {
		return true
	}
	least /= math.Pow10(int(s.resultExp))
	for e := leastE; e <= greatE; e++ {
		b := least / math.Pow10(e)
		rounded := math.Round(b)
		if math.Abs(b-rounded) > 1e-9*max(1, math.Abs(b)) {
			rounded = math.Floor(b)
		}
		if math.Abs(rounded) <= maxB {
			s.b, s.bExp = int16(rounded), int8(e)
			return true
		}
	}
	return false
}

// value is what a raw reading means.
func (s scale) value(raw byte) float64 {
	return (float64(s.m)*float64(raw) + float64(s.b)*math.Pow10(int(s.bExp))) * math.Pow10(int(s.resultExp))
}

// raw is the raw reading whose value is nearest.
func (s scale) raw(value float64) byte {
	step := float64(s.m) * math.Pow10(int(s.resultExp))
	return byte(min(max(math.Round((value-s.value(0))/step), 0), maxRaw))
}
