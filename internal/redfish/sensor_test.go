package redfish

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// in is an element of a list in the body.
func (r response) in(list string, i int) response {
	return response{Body: r.at(list).([]any)[i].(map[string]any)}
}

func TestSensors(t *testing.T) {
	r := newRig(t, full)
	for _, c := range []struct {
		name          string
		reading       any
		kind, unit    string
		state, health string
	}{
		{"cpu", 81.25, "Temperature", "Cel", "Enabled", "Warning"},
		{"inlet", 21.0, "Temperature", "Cel", "Enabled", "OK"},
		{"fan1", 480.4, "Rotational", "{rev}/min", "Enabled", "Critical"},
		{"pump", 35.5, "Percent", "%", "Enabled", "OK"},
		{"draw", 120.6, "Power", "W", "Enabled", "OK"},
		{"12v", 12.1, "Voltage", "V", "Enabled", "OK"},
		{"load", 7.0, "Percent", "%", "Enabled", "OK"},
		{"gone", nil, "Humidity", "%", "UnavailableOffline", "OK"},
	} {
		got := r.get(chassisPath + "/Sensors/" + c.name)
		require.Equal(t, http.StatusOK, got.Status)
		require.Equal(t, c.reading, got.at("Reading"), c.name)
		require.Equal(t, c.kind, got.at("ReadingType"), c.name)
		require.Equal(t, c.unit, got.at("ReadingUnits"), c.name)
		require.Equal(t, c.state, got.at("Status", "State"), c.name)
		require.Equal(t, c.health, got.at("Status", "Health"), c.name)
	}
	require.Equal(t, http.StatusNotFound, r.get(chassisPath+"/Sensors/nope").Status)
	require.Len(t, r.get(chassisPath+"/Sensors").at("Members"), 8)
}

func TestThermalAndPower(t *testing.T) {
	r := newRig(t, full)
	got := r.get(chassisPath + "/Thermal")
	cpu, fan := got.in("Temperatures", 0), got.in("Fans", 0)
	require.Equal(t, chassisPath+"/Thermal#/Temperatures/0", cpu.at("@odata.id"))
	require.Equal(t, "cpu", cpu.at("MemberId"))
	require.Equal(t, 32.0, cpu.at("SensorNumber"), "as over IPMI")
	require.Equal(t, 81.25, cpu.at("ReadingCelsius"))
	require.Equal(t, 80.0, cpu.at("UpperThresholdNonCritical"))
	require.Equal(t, 90.0, cpu.at("UpperThresholdCritical"))
	require.Equal(t, 100.0, cpu.at("UpperThresholdFatal"))
	require.Equal(t, "Warning", cpu.at("Status", "Health"))
	require.Equal(t, "fan1", fan.at("Name"))
	require.Equal(t, 480.0, fan.at("Reading"), "a whole number")
	require.Equal(t, "RPM", fan.at("ReadingUnits"))
	require.Equal(t, 481.0, fan.at("LowerThresholdCritical"))
	require.Equal(t, "Percent", got.in("Fans", 1).at("ReadingUnits"))
	require.Equal(t, 36.0, got.in("Fans", 1).at("Reading"))

	got = r.get(chassisPath + "/Power")
	require.Equal(t, 120.6, got.in("PowerControl", 0).at("PowerConsumedWatts"))
	require.NotContains(t, got.in("PowerControl", 0).Body, "SensorNumber")
	require.Equal(t, 12.1, got.in("Voltages", 0).at("ReadingVolts"))
}

func TestSensorsOfAMachineThatIsOff(t *testing.T) {
	r := newRig(t, full)
	r.does[provider.Status] = machine.Reading{}
	got := r.get(chassisPath + "/Thermal")
	require.Equal(t, http.StatusOK, got.Status)
	require.Nil(t, got.in("Temperatures", 0).at("ReadingCelsius"))
	require.Nil(t, got.in("Fans", 0).at("Reading"))
	require.Equal(t, "UnavailableOffline", got.in("Fans", 0).at("Status", "State"))
}

// A provider that cannot be read has the sensors that it had before, without readings.
func TestSensorsOfABrokenProvider(t *testing.T) {
	r := newRig(t, full)
	require.Equal(t, http.StatusOK, r.get(chassisPath).Status)
	r.unread = errors.New("x.conf:3: unknown key")
	r.does[provider.Status] = machine.Reading{Err: r.unread}
	require.Equal(t, chassisPath+"/Sensors", r.get(chassisPath).at("Sensors", "@odata.id"))
	require.Nil(t, r.get(chassisPath+"/Sensors/cpu").at("Reading"))
}

// Only what the provider measures is offered.
func TestChassisWithoutSensors(t *testing.T) {
	got := newRig(t, lean).get(chassisPath)
	for _, name := range []string{"Sensors", "Thermal", "Power"} {
		require.NotContains(t, got.Body, name)
	}
}
