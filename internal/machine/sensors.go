package machine

import (
	"reflect"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// FirstSensor is the number of the first sensor of the provider. The others follow in their
// order.
const FirstSensor = 0x20

// sweepLife is how long the readings of one run of the script are current. A client reads one
// sensor after the other, and all of them come from one run.
const sweepLife = 5 * time.Second

// A sweep is one reading of all sensors: the status, then the script of
// [provider.SensorsGet] if the managed system is on.
type sweep struct {
	next   provider.Verb // to ask; empty: the sweep is complete
	at     time.Duration // of the last answer, in time since boot
	values map[string]float64
}

// Declare notes which sensors the provider has. They are kept, so that clients can read what
// the sensors are while the provider cannot be read.
func (m *Machine) Declare(s provider.Sensors) {
	if reflect.DeepEqual(s, m.State.Sensors) {
		return
	}
	m.sweep = sweep{}
	m.Update(func(state *State) { state.Sensors = s })
}

// SweepNeeds returns the script that must be asked before the readings of the sensors are
// current; empty: they are. [Machine.Swept] takes the answer.
func (m *Machine) SweepNeeds(now Moment) provider.Verb {
	if s := m.sweep; s.at != 0 && now.Uptime-s.at < sweepLife {
		return s.next
	}
	return provider.Status
}

// Swept takes an answer of a script that [Machine.SweepNeeds] named. The sensors have no
// readings while the managed system is off or not known to be on. An answer is ignored if a
// power action has ended since the sweep began.
func (m *Machine) Swept(v provider.Verb, r Reading, now Moment) {
	switch {
	case v == provider.Status && r.Err == nil:
		m.Seen(r.On, now)
		m.sweep = sweep{at: now.Uptime}
		if r.On {
			m.sweep.next = provider.SensorsGet
		}
	case v == provider.Status:
		m.sweep = sweep{at: now.Uptime}
	case m.sweep.at != 0:
		m.sweep = sweep{at: now.Uptime, values: r.Values}
	}
}

// SensorReading is the reading of a sensor in the last sweep. It is not known if the script did
// not say it.
func (m *Machine) SensorReading(name string) (value float64, known bool) {
	value, known = m.sweep.values[name]
	return value, known
}
