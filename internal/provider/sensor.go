package provider

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Sensors are what a provider measures.
type Sensors struct {
	// All are in the order of the files: those of an included file come first.
	All []Sensor `json:"all,omitempty"`
	// Power names the sensor of what the managed machine draws, for DCMI; empty: there is none.
	Power string `json:"power,omitempty"`
}

// Named finds a sensor, and its place.
func (s Sensors) Named(name string) (i int, known bool) {
	i = slices.IndexFunc(s.All, func(s Sensor) bool { return s.Name == name })
	return i, i >= 0
}

// A Sensor is declared by a provider file. Its readings come from the script of SensorsGet.
type Sensor struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	Unit Unit   `json:"unit"`
	// Min and Max are the least and the greatest reading, in the unit.
	Min float64 `json:"min"`
	Max float64 `json:"max"`
	// Limits are the thresholds that the sensor has, in the unit.
	Limits map[Threshold]float64 `json:"limits,omitempty"`
}

// Describe says in words what the sensor measures: "temperature from 0 to 127 C, warn 80".
func (s Sensor) Describe() string {
	text := fmt.Sprintf("%s from %s to %s %s", s.Kind, FormatReading(s.Min), FormatReading(s.Max), s.Unit)
	for _, t := range rising {
		if limit, has := s.Limits[t]; has {
			text += fmt.Sprintf(", %s %s", t, FormatReading(limit))
		}
	}
	return text
}

// Crossed is the worst threshold that a reading has reached; empty: none.
func (s Sensor) Crossed(reading float64) Threshold {
	for _, t := range []Threshold{Fatal, LowFatal, Critical, LowCritical, Warn, LowWarn} {
		if limit, has := s.Limits[t]; has && (t.Low() && reading <= limit || !t.Low() && reading >= limit) {
			return t
		}
	}
	return ""
}

// A Kind is what a sensor measures, in the words of provider files.
type Kind string

// The kinds of sensors.
const (
	Temperature Kind = "temperature"
	Voltage     Kind = "voltage"
	Current     Kind = "current"
	Fan         Kind = "fan"
	Power       Kind = "power"
	Frequency   Kind = "frequency"
	Humidity    Kind = "humidity"
	Utilization Kind = "utilization"
)

// A Unit is the unit of readings, in the words of provider files.
type Unit string

// The units.
const (
	Celsius Unit = "C"
	Volt    Unit = "V"
	Ampere  Unit = "A"
	RPM     Unit = "RPM"
	Watt    Unit = "W"
	Hertz   Unit = "Hz"
	Percent Unit = "%"
)

// Kinds are the units that a kind of sensors can have.
var Kinds = map[Kind][]Unit{
	Temperature: {Celsius},
	Voltage:     {Volt},
	Current:     {Ampere},
	Fan:         {RPM, Percent},
	Power:       {Watt},
	Frequency:   {Hertz},
	Humidity:    {Percent},
	Utilization: {Percent},
}

// A Threshold is a limit of a sensor, in the words of provider files. A reading that is equal to
// the limit has reached it.
type Threshold string

// The thresholds: non-critical, critical and non-recoverable (IPMI 2.0 §35.8).
const (
	LowWarn     Threshold = "low"
	LowCritical Threshold = "low critical"
	LowFatal    Threshold = "low fatal"
	Warn        Threshold = "warn"
	Critical    Threshold = "critical"
	Fatal       Threshold = "fatal"
)

// Thresholds are all thresholds in the order of IPMI.
var Thresholds = []Threshold{LowWarn, LowCritical, LowFatal, Warn, Critical, Fatal}

// rising are the thresholds from the least limit to the greatest.
var rising = []Threshold{LowFatal, LowCritical, LowWarn, Warn, Critical, Fatal}

// Low reports whether readings below the limit have reached it, too.
func (t Threshold) Low() bool { return strings.HasPrefix(string(t), "low") }

// Limits of declarations.
const (
	maxSensors    = 64
	maxSensorName = 16 // bytes: IPMI 2.0 §43.1
	maxReading    = 1e9
	maxDCMI       = 65535 // watts: DCMI 1.5 §6.6.1
)

// sensorName matches names that are alike in a script, in an IPMI record and in the path of a
// Redfish resource. A name of one character would be the end of a record's text (IPMI 2.0 §43.15).
var sensorName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]+$`)

func checkSensorName(name string) error {
	if !sensorName.MatchString(name) || len(name) > maxSensorName {
		return fmt.Errorf("not a name for a sensor: want 2 to %d letters, digits and _.-, a letter or digit first", maxSensorName)
	}
	return nil
}

// sensors reads the sections SENSORS and DCMI. Without a script there are no sensors.
func sensors(settings map[string]setting) (Sensors, error) {
	get, found := settings[string(SensorsGet)]
	var declared []setting
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		s := settings[name]
		if section, key, _ := strings.Cut(name, " "); section == "sensors" && key != "" && key != "get" && s.value != "" {
			declared = append(declared, s)
		}
	}
	slices.SortFunc(declared, func(a, b setting) int { return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(a.line, b.line)) })
	switch {
	case found && get.value == "":
		return Sensors{}, nil // it takes away the sensors of the included file
	case len(declared) > 0 && !found:
		return Sensors{}, declared[0].fail(errors.New(`there is no key "get" with a script that prints the readings`))
	case found && len(declared) == 0:
		return Sensors{}, get.fail(errors.New("no sensor is declared, such as draw = power, W, 0..500"))
	case len(declared) > maxSensors:
		return Sensors{}, declared[maxSensors].fail(fmt.Errorf("more than %d sensors", maxSensors))
	}
	var all Sensors
	for _, s := range declared {
		sensor, err := parseSensor(s.key, s.oneLine())
		if err != nil {
			return Sensors{}, s.fail(err)
		}
		all.All = append(all.All, sensor)
	}
	power := settings["dcmi power"]
	if power.value == "" {
		return all, nil
	}
	all.Power = strings.ToLower(power.oneLine())
	if err := all.checkPower(); err != nil {
		return Sensors{}, power.fail(err)
	}
	return all, nil
}

// checkPower checks that Power names a sensor whose readings DCMI can say.
func (s Sensors) checkPower() error {
	i, known := s.Named(s.Power)
	if !known {
		var names []string
		for _, sensor := range s.All {
			names = append(names, sensor.Name)
		}
		return unknown("sensor", s.Power, names)
	}
	if p := s.All[i]; p.Kind != Power || p.Min < 0 || p.Max > maxDCMI {
		return fmt.Errorf("sensor %s: want one of kind power, with readings from 0 to %d", p.Name, maxDCMI)
	}
	return nil
}

// parseSensor reads a declaration: "temperature, C, 0..127, warn 80, critical 90".
func parseSensor(name, text string) (Sensor, error) {
	fields := strings.Split(text, ",")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if len(fields) < 3 {
		return Sensor{}, fmt.Errorf("%q: want KIND, UNIT, MIN..MAX and thresholds, such as temperature, C, 0..127, critical 90", text)
	}
	s := Sensor{Name: name, Kind: Kind(strings.ToLower(fields[0]))}
	units, known := Kinds[s.Kind]
	if !known {
		return Sensor{}, unknown("kind", fields[0], slices.Sorted(maps.Keys(Kinds)))
	}
	i := slices.IndexFunc(units, func(u Unit) bool { return strings.EqualFold(string(u), fields[1]) })
	if i < 0 {
		return Sensor{}, fmt.Errorf("%s: %w", s.Kind, unknown("unit", fields[1], units))
	}
	s.Unit = units[i]
	least, greatest, isRange := strings.Cut(fields[2], "..")
	if !isRange {
		return Sensor{}, fmt.Errorf("%q: want the least and the greatest reading, such as 0..127", fields[2])
	}
	var err0, err1 error
	s.Min, err0 = ParseReading(least)
	s.Max, err1 = ParseReading(greatest)
	if err := cmp.Or(err0, err1); err != nil {
		return Sensor{}, fmt.Errorf("range: %w", err)
	}
	if s.Min >= s.Max {
		return Sensor{}, fmt.Errorf("range: %s is not less than %s", least, greatest)
	}
	for _, field := range fields[3:] {
		if err := s.parseLimit(field); err != nil {
			return Sensor{}, err
		}
	}
	return s, s.checkLimits()
}

// parseLimit reads a threshold: "low critical 300".
func (s *Sensor) parseLimit(text string) error {
	words := strings.Fields(strings.ToLower(text))
	if len(words) < 2 {
		return fmt.Errorf("%q: want a threshold and its limit, such as warn 80", text)
	}
	last := len(words) - 1
	t := Threshold(strings.Join(words[:last], " "))
	if !slices.Contains(Thresholds, t) {
		return unknown("threshold", string(t), Thresholds)
	}
	limit, err := ParseReading(words[last])
	switch _, twice := s.Limits[t]; {
	case err != nil:
		return fmt.Errorf("%s: %w", t, err)
	case twice:
		return fmt.Errorf("%s: comes twice", t)
	case limit < s.Min || limit > s.Max:
		return fmt.Errorf("%s: %s is not in the range", t, words[last])
	case s.Limits == nil:
		s.Limits = make(map[Threshold]float64)
	}
	s.Limits[t] = limit
	return nil
}

// checkLimits checks that a worse threshold is reached later.
func (s Sensor) checkLimits() error {
	var before Threshold
	for _, t := range rising {
		if _, has := s.Limits[t]; !has {
			continue
		}
		if before != "" && s.Limits[before] >= s.Limits[t] {
			return fmt.Errorf("%s must be less than %s", before, t)
		}
		before = t
	}
	return nil
}

// reading matches a decimal number as programs print it.
var reading = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?$`)

// FormatReading writes a number without an exponent.
func FormatReading(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// ParseReading reads a number that a sensor can have.
func ParseReading(text string) (float64, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if !reading.MatchString(text) {
		return 0, fmt.Errorf("%.40q: not a number", text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(n) > maxReading {
		return 0, fmt.Errorf("%.40s: want -%g to %g", text, maxReading, maxReading)
	}
	return n, nil
}
