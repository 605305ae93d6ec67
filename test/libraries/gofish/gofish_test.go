// Package gofish has the Go library of that name read the resources of a BMC: its types must
// hold everything that clients rely on.
package gofish

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/common"
	"github.com/stmcginnis/gofish/redfish"
	"github.com/stretchr/testify/require"
)

// A request is something that the library wants done.
type request struct{ method, path, body string }

// connect has the library connect to a service that answers with the resources that a test of
// internal/redfish has written down. It returns what the library wants done.
func connect(t *testing.T) (*gofish.Service, *[]request) {
	text, err := os.ReadFile("../../../internal/redfish/testdata/tree.json")
	require.NoError(t, err)
	var tree map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &tree))
	var done []request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, there := tree[r.URL.Path]
		switch {
		case r.Method != http.MethodGet:
			sent, _ := io.ReadAll(r.Body)
			done = append(done, request{r.Method, r.URL.Path, string(sent)})
			w.WriteHeader(http.StatusNoContent)
		case !there:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(server.Close)
	client, err := gofish.Connect(gofish.ClientConfig{Endpoint: server.URL, Username: "admin", Password: "password", BasicAuth: true})
	require.NoError(t, err)
	return client.GetService(), &done
}

func TestSystem(t *testing.T) {
	service, done := connect(t)
	systems, err := service.Systems()
	require.NoError(t, err)
	require.Len(t, systems, 1)
	s := systems[0]
	require.Equal(t, "node-0", s.ID)
	require.Equal(t, redfish.OnPowerState, s.PowerState)
	require.Equal(t, common.OKHealth, s.Status.Health)
	require.Equal(t, redfish.VirtualSystemType, s.SystemType)
	require.Equal(t, "QEMU", s.Manufacturer)
	require.Equal(t, "AlwaysOff", string(s.PowerRestorePolicy))
	require.Contains(t, s.SupportedResetTypes, redfish.GracefulRestartResetType)
	require.EqualValues(t, redfish.NoneWatchdogTimeoutActions, s.HostWatchdogTimer.TimeoutAction)
	require.Equal(t, uint(623), uint(s.SerialConsole.IPMI.Port))
	require.Equal(t, redfish.Boot{
		BootSourceOverrideEnabled: redfish.OnceBootSourceOverrideEnabled,
		BootSourceOverrideTarget:  redfish.PxeBootSourceOverrideTarget,
		BootSourceOverrideMode:    redfish.UEFIBootSourceOverrideMode,
	}, s.Boot)

	managers, err := s.ManagedBy()
	require.NoError(t, err)
	require.Len(t, managers, 1)

	require.NoError(t, s.Reset(redfish.ForceRestartResetType))
	require.NoError(t, s.SetBoot(s.Boot))
	require.Equal(t, []request{
		{"POST", "/redfish/v1/Systems/node-0/Actions/ComputerSystem.Reset", `{"ResetType":"ForceRestart"}`},
		{"PATCH", "/redfish/v1/Systems/node-0",
			`{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideMode":"UEFI","BootSourceOverrideTarget":"Pxe"}}`},
	}, compact(*done))
}

// compact removes what surrounds the JSON of a body.
func compact(all []request) []request {
	for i := range all {
		all[i].body = strings.TrimSpace(all[i].body)
	}
	return all
}

func TestManager(t *testing.T) {
	service, done := connect(t)
	managers, err := service.Managers()
	require.NoError(t, err)
	m := managers[0]
	require.Equal(t, redfish.BMCManagerType, m.ManagerType)
	require.Equal(t, "v1.42.0", m.FirmwareVersion)
	require.Equal(t, "+00:00", m.DateTimeLocalOffset)

	interfaces, err := m.EthernetInterfaces()
	require.NoError(t, err)
	require.Equal(t, "02:00:00:00:00:01", interfaces[0].MACAddress)
	require.Equal(t, "192.0.2.1", interfaces[0].IPv4Addresses[0].Address)
	protocols, err := m.NetworkProtocol()
	require.NoError(t, err)
	require.True(t, protocols.IPMI.ProtocolEnabled)
	require.EqualValues(t, 443, protocols.HTTPS.Port)

	logs, err := m.LogServices()
	require.NoError(t, err)
	entries, err := logs[0].Entries()
	require.NoError(t, err)
	require.Equal(t, redfish.SELLogEntryType, entries[0].EntryType)
	require.Equal(t, redfish.EventLoggingDisabledSensorType, entries[0].SensorType)
	require.Equal(t, "0x02FFFF", entries[0].MessageID)
	require.NoError(t, logs[0].ClearLog())

	drives, err := m.VirtualMedia()
	require.NoError(t, err)
	cd := drives[0]
	require.Equal(t, []redfish.VirtualMediaType{redfish.CDMediaType, redfish.DVDMediaType}, cd.MediaTypes)
	require.True(t, cd.Inserted && cd.WriteProtected && cd.SupportsMediaEject && cd.SupportsMediaInsert)
	require.Equal(t, "http://images.example.org/iso/debian.iso?x=1", cd.Image)
	require.Equal(t, redfish.URIConnectedVia, cd.ConnectedVia)
	require.NoError(t, cd.EjectMedia())
	require.NoError(t, cd.InsertMedia("http://h/a.iso", true, true))
	require.NoError(t, m.Reset(redfish.ForceRestartResetType))
	const drive = "/redfish/v1/Systems/node-0/VirtualMedia/Cd/Actions/"
	require.Equal(t, []request{
		{"POST", "/redfish/v1/Systems/node-0/LogServices/SEL/Actions/LogService.ClearLog", `{}`},
		{"POST", drive + "VirtualMedia.EjectMedia", `{}`},
		{"POST", drive + "VirtualMedia.InsertMedia", `{"Image":"http://h/a.iso","Inserted":true,"WriteProtected":true}`},
		{"POST", "/redfish/v1/Managers/node-0/Actions/Manager.Reset", `{"ResetType":"ForceRestart"}`},
	}, compact(*done))
}

func TestChassis(t *testing.T) {
	service, _ := connect(t)
	chassis, err := service.Chassis()
	require.NoError(t, err)
	require.Equal(t, redfish.OtherChassisType, chassis[0].ChassisType)
	require.True(t, chassis[0].PowerState == redfish.OnPowerState)
	systems, err := chassis[0].ComputerSystems()
	require.NoError(t, err)
	require.Len(t, systems, 1)
	logs, err := chassis[0].LogServices()
	require.NoError(t, err)
	require.Len(t, logs, 1)
}

func TestSensors(t *testing.T) {
	service, _ := connect(t)
	chassis, err := service.Chassis()
	require.NoError(t, err)
	thermal, err := chassis[0].Thermal()
	require.NoError(t, err)
	require.Equal(t, "cpu", thermal.Temperatures[0].Name)
	require.InDelta(t, 81.25, thermal.Temperatures[0].ReadingCelsius, 0.01)
	require.InDelta(t, 80, thermal.Temperatures[0].UpperThresholdNonCritical, 0.01)
	require.Equal(t, common.WarningHealth, thermal.Temperatures[0].Status.Health)
	require.EqualValues(t, 480, thermal.Fans[0].Reading)
	require.Equal(t, redfish.RPMReadingUnits, thermal.Fans[0].ReadingUnits)
	power, err := chassis[0].Power()
	require.NoError(t, err)
	require.InDelta(t, 120.6, power.PowerControl[0].PowerConsumedWatts, 0.01)
	require.InDelta(t, 12.1, power.Voltages[0].ReadingVolts, 0.01)
	sensors, err := chassis[0].Sensors()
	require.NoError(t, err)
	require.Len(t, sensors, 8)
	i := slices.IndexFunc(sensors, func(s *redfish.Sensor) bool { return s.ID == "cpu" }) // it fetches them in any order
	require.Equal(t, redfish.TemperatureReadingType, sensors[i].ReadingType)
	require.InDelta(t, 90, sensors[i].Thresholds.UpperCritical.Reading, 0.01)
}

func TestServices(t *testing.T) {
	service, _ := connect(t)
	require.Equal(t, "ShIPMI", service.Product)
	accounts, err := service.AccountService()
	require.NoError(t, err)
	require.Equal(t, 20, accounts.MaxPasswordLength)
	roles, err := accounts.Roles()
	require.NoError(t, err)
	require.NotEmpty(t, roles)
	sessions, err := service.Sessions()
	require.NoError(t, err)
	require.Len(t, sessions, 2)
	tasks, err := service.Tasks()
	require.NoError(t, err)
	require.Equal(t, redfish.PendingTaskState, tasks[0].TaskState)
	registries, err := service.Registries()
	require.NoError(t, err)
	require.Equal(t, "Base.1.22", registries[0].Registry)
}
