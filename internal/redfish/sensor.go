package redfish

import (
	"fmt"
	"math"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A sensor is a sensor that the provider declares (Sensor).
type sensor struct {
	resource
	ReadingType     string
	Reading         *float64
	ReadingUnits    string
	ReadingRangeMin float64
	ReadingRangeMax float64
	Status          status
	Thresholds      map[string]threshold `json:",omitempty"`
}

type threshold struct {
	Reading float64
}

// A thermal is the temperatures and the fans of the chassis (Thermal). Sensor has taken its
// place, but most clients read no other.
type thermal struct {
	resource
	Temperatures []temperature
	Fans         []fan
}

type temperature struct {
	member
	ReadingCelsius      *float64
	MinReadingRangeTemp float64
	MaxReadingRangeTemp float64
	limits
}

type fan struct {
	member
	Reading         *int64 // Thermal has no fractions here
	ReadingUnits    string
	MinReadingRange int64
	MaxReadingRange int64
	limits
}

// A chassisPower is what the chassis draws, and its voltages (Power), which Sensor has superseded, too.
type chassisPower struct {
	resource
	PowerControl []powerControl
	Voltages     []voltage
}

type powerControl struct {
	member
	PowerConsumedWatts *float64
}

type voltage struct {
	member
	ReadingVolts    *float64
	MinReadingRange float64
	MaxReadingRange float64
	limits
}

// A member is what the members of lists in Thermal and Power begin with.
type member struct {
	URI          string `json:"@odata.id"`
	MemberID     string `json:"MemberId"`
	Name         string
	SensorNumber *int `json:",omitempty"`
	Status       status
}

// limits are thresholds in the words of Thermal and Power.
type limits struct {
	UpperThresholdNonCritical *float64 `json:",omitempty"`
	UpperThresholdCritical    *float64 `json:",omitempty"`
	UpperThresholdFatal       *float64 `json:",omitempty"`
	LowerThresholdNonCritical *float64 `json:",omitempty"`
	LowerThresholdCritical    *float64 `json:",omitempty"`
	LowerThresholdFatal       *float64 `json:",omitempty"`
}

// readingTypes are the kinds of sensors in the words of Sensor.
var readingTypes = map[provider.Kind]string{
	provider.Temperature: "Temperature",
	provider.Voltage:     "Voltage",
	provider.Current:     "Current",
	provider.Fan:         "Rotational",
	provider.Power:       "Power",
	provider.Frequency:   "Frequency",
	provider.Humidity:    "Humidity",
	provider.Utilization: "Percent",
}

// readingUnits are the units in the words of UCUM.
var readingUnits = map[provider.Unit]string{
	provider.Celsius: "Cel", provider.Volt: "V", provider.Ampere: "A", provider.RPM: "{rev}/min", provider.Watt: "W",
	provider.Hertz: "Hz", provider.Percent: "%",
}

// levels are the thresholds in the words of Sensor, and the health of a sensor that has
// reached them.
var levels = map[provider.Threshold]struct{ word, health string }{
	"":                   {"", ok},
	provider.LowWarn:     {"LowerCaution", warning},
	provider.LowCritical: {"LowerCritical", critical},
	provider.LowFatal:    {"LowerFatal", critical},
	provider.Warn:        {"UpperCaution", warning},
	provider.Critical:    {"UpperCritical", critical},
	provider.Fatal:       {"UpperFatal", critical},
}

func (s *Service) sensorsURI() string { return s.chassisURI() + "/Sensors" }
func (s *Service) thermalURI() string { return s.chassisURI() + "/Thermal" }
func (s *Service) powerURI() string   { return s.chassisURI() + "/Power" }

// declared completes an answer once the sensors of the machine are those of the provider. If
// the provider cannot be read, they are those of before.
func declared(then func() Answer) Answer {
	return Answer{Provider: func(func(provider.Verb) bool, error) Answer { return then() }}
}

// having are the sensors of some kinds, with their numbers over IPMI.
func (s *Service) having(kinds ...provider.Kind) (all []numbered) {
	for i, d := range s.Machine.State.Sensors.All {
		if len(kinds) == 0 || slices.Contains(kinds, d.Kind) {
			all = append(all, numbered{d, machine.FirstSensor + i})
		}
	}
	return all
}

type numbered struct {
	provider.Sensor
	number int
}

// withReadings completes an answer about sensors of some kinds with their readings. Without
// such sensors the resource does not exist.
func (s *Service) withReadings(r *Request, then func([]numbered) Answer, kinds ...provider.Kind) Answer {
	return declared(func() Answer {
		all := s.having(kinds...)
		if len(all) == 0 {
			return notFound(r)
		}
		return s.swept(r.Now, func() Answer { return then(all) })
	})
}

// swept completes an answer with the readings of all sensors, which are asked for if the last
// ones are no longer current.
func (s *Service) swept(now machine.Moment, then func() Answer) Answer {
	verb := s.Machine.SweepNeeds(now)
	if verb == "" {
		return then()
	}
	return ask(verb, func(r machine.Reading, now machine.Moment) Answer {
		s.Machine.Swept(verb, r, now)
		return s.swept(now, then)
	})
}

// reading is what a sensor says, null if that is not known, and the status that follows.
func (s *Service) reading(d numbered) (*float64, status) {
	value, known := s.Machine.SensorReading(d.Name)
	if !known {
		return nil, status{"UnavailableOffline", ok}
	}
	return &value, status{"Enabled", levels[d.Crossed(value)].health}
}

func getSensors(s *Service, r *Request) Answer {
	return declared(func() Answer {
		var names []string
		for _, d := range s.having() {
			names = append(names, d.Name)
		}
		if len(names) == 0 {
			return notFound(r)
		}
		return done(collection(s.sensorsURI(), "SensorCollection", "Sensors", names...))
	})
}

func getSensor(s *Service, r *Request) Answer {
	return s.withReadings(r, func(all []numbered) Answer {
		i := slices.IndexFunc(all, func(d numbered) bool { return d.Name == r.id[0] })
		if i < 0 {
			return notFound(r)
		}
		d := all[i]
		value, st := s.reading(d)
		body := sensor{
			resource:        newResource(s.sensorsURI()+"/"+d.Name, "Sensor.v1_12_0", d.Name, d.Name),
			ReadingType:     readingTypes[d.Kind],
			Reading:         value,
			ReadingUnits:    readingUnits[d.Unit],
			ReadingRangeMin: d.Min,
			ReadingRangeMax: d.Max,
			Status:          st,
		}
		if d.Kind == provider.Fan && d.Unit == provider.Percent {
			body.ReadingType = "Percent"
		}
		for t, limit := range d.Limits {
			if body.Thresholds == nil {
				body.Thresholds = make(map[string]threshold)
			}
			body.Thresholds[levels[t].word] = threshold{limit}
		}
		return done(body)
	})
}

// thermalKinds and powerKinds are the sensors that Thermal and Power show.
var (
	thermalKinds = []provider.Kind{provider.Temperature, provider.Fan}
	powerKinds   = []provider.Kind{provider.Power, provider.Voltage}
)

func getThermal(s *Service, r *Request) Answer {
	return s.withReadings(r, func(all []numbered) Answer {
		body := thermal{
			resource:     newResource(s.thermalURI(), "Thermal.v1_7_3", "Thermal", "Thermal"),
			Temperatures: []temperature{},
			Fans:         []fan{},
		}
		for _, d := range all {
			value, st := s.reading(d)
			if d.Kind == provider.Temperature {
				at := s.member(s.thermalURI(), "Temperatures", len(body.Temperatures), d, st)
				body.Temperatures = append(body.Temperatures, temperature{at, value, d.Min, d.Max, limitsOf(d, exactly)})
				continue
			}
			units := "RPM"
			if d.Unit == provider.Percent {
				units = "Percent"
			}
			at := s.member(s.thermalURI(), "Fans", len(body.Fans), d, st)
			body.Fans = append(body.Fans, fan{at, whole(value), units, *whole(&d.Min), *whole(&d.Max), limitsOf(d, math.Round)})
		}
		return done(body)
	}, thermalKinds...)
}

func getPower(s *Service, r *Request) Answer {
	return s.withReadings(r, func(all []numbered) Answer {
		body := chassisPower{
			resource:     newResource(s.powerURI(), "Power.v1_7_3", "Power", "Power"),
			PowerControl: []powerControl{},
			Voltages:     []voltage{},
		}
		for _, d := range all {
			value, st := s.reading(d)
			if d.Kind == provider.Power {
				at := s.member(s.powerURI(), "PowerControl", len(body.PowerControl), d, st)
				at.SensorNumber = nil // PowerControl has none
				body.PowerControl = append(body.PowerControl, powerControl{at, value})
				continue
			}
			at := s.member(s.powerURI(), "Voltages", len(body.Voltages), d, st)
			body.Voltages = append(body.Voltages, voltage{at, value, d.Min, d.Max, limitsOf(d, exactly)})
		}
		return done(body)
	}, powerKinds...)
}

func (s *Service) member(uri, list string, i int, d numbered, st status) member {
	return member{fmt.Sprintf("%s#/%s/%d", uri, list, i), d.Name, d.Name, &d.number, st}
}

// limitsOf are the thresholds of a sensor, rounded by round.
func limitsOf(d numbered, round func(float64) float64) limits {
	limit := func(t provider.Threshold) *float64 {
		value, has := d.Limits[t]
		if !has {
			return nil
		}
		value = round(value)
		return &value
	}
	return limits{
		limit(provider.Warn), limit(provider.Critical), limit(provider.Fatal),
		limit(provider.LowWarn), limit(provider.LowCritical), limit(provider.LowFatal),
	}
}

// exactly rounds nothing.
func exactly(n float64) float64 { return n }

func whole(n *float64) *int64 {
	if n == nil {
		return nil
	}
	rounded := int64(math.Round(*n))
	return &rounded
}
