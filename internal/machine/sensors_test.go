package machine

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

var measuring = provider.Sensors{All: []provider.Sensor{
	{Name: "cpu", Kind: provider.Temperature, Unit: provider.Celsius, Max: 127, Limits: map[provider.Threshold]float64{provider.Warn: 80}},
}}

func cpuAt(celsius float64) Reading { return Reading{Values: map[string]float64{"cpu": celsius}} }

func TestSweep(t *testing.T) {
	m, _ := newMachine()
	m.Declare(measuring)
	require.Equal(t, provider.Status, m.SweepNeeds(start))
	m.Swept(provider.Status, Reading{On: true}, start)
	require.Equal(t, provider.SensorsGet, m.SweepNeeds(start), "a client that comes now needs no status")
	m.Swept(provider.SensorsGet, cpuAt(42), start.later(3*time.Second))

	now := start.later(7999 * time.Millisecond)
	require.Empty(t, m.SweepNeeds(now))
	value, known := m.SensorReading("cpu")
	require.True(t, known)
	require.Equal(t, 42.0, value)
	_, known = m.SensorReading("fan1")
	require.False(t, known)
	require.Equal(t, provider.Status, m.SweepNeeds(start.later(8*time.Second)))
	require.False(t, m.State.PowerOn.Since.IsZero(), "the status has been seen")
}

func TestSweepOfAMachineThatIsNotOn(t *testing.T) {
	for _, status := range []Reading{{}, {Err: errors.New("exit status 1"), On: true}} {
		m, _ := newMachine()
		m.Swept(provider.Status, status, start)
		require.Empty(t, m.SweepNeeds(start.later(time.Second)), "nothing else runs")
		_, known := m.SensorReading("cpu")
		require.False(t, known)
	}
}

// A power action ends what is known of the sensors, also what a script says that began before it.
func TestPowerActionEndsASweep(t *testing.T) {
	m, _ := newMachine()
	m.Swept(provider.Status, Reading{On: true}, start)
	power(t, m, provider.Off, start)
	m.Swept(provider.SensorsGet, cpuAt(42), start)
	require.Equal(t, provider.Status, m.SweepNeeds(start))
	_, known := m.SensorReading("cpu")
	require.False(t, known)
}

func TestDeclare(t *testing.T) {
	m, _ := newMachine()
	m.Declare(provider.Sensors{})
	require.Zero(t, m.Generation, "most providers have no sensors")
	m.Declare(measuring)
	require.EqualValues(t, 1, m.Generation)
	text, err := json.Marshal(m.State)
	require.NoError(t, err)
	var s State
	require.NoError(t, json.Unmarshal(text, &s))
	m.State = s
	m.Declare(measuring)
	require.EqualValues(t, 1, m.Generation, "the next process knows them")

	m.Swept(provider.Status, Reading{}, start)
	m.Declare(provider.Sensors{All: measuring.All, Power: "cpu"})
	require.Equal(t, provider.Status, m.SweepNeeds(start), "other sensors have no readings yet")
}
