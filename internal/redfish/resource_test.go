package redfish

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const (
	systemPath  = "/redfish/v1/Systems/node-0"
	managerPath = "/redfish/v1/Managers/node-0"
	chassisPath = "/redfish/v1/Chassis/node-0"
	drivePath   = systemPath + "/VirtualMedia/Cd"
	logPath     = systemPath + "/LogServices/SEL"
)

// resources says what clients and the standard want of each resource: the name of the
// property, its type, and the values that are allowed. A type with a question mark may be
// null. A property that depends on the provider is marked by "full".
var resources = map[string]string{
	"/redfish": `v1 string /redfish/v1/`,
	"/redfish/v1/odata": `
		@odata.context string /redfish/v1/$metadata
		value list`,
	"/redfish/v1/": `
		@odata.type string #ServiceRoot.v1_20_0.ServiceRoot
		RedfishVersion version
		UUID uuid
		Product string
		Vendor string
		Systems link /redfish/v1/Systems
		Managers link /redfish/v1/Managers
		Chassis link /redfish/v1/Chassis
		SessionService link /redfish/v1/SessionService
		AccountService link /redfish/v1/AccountService
		Tasks link /redfish/v1/TaskService
		Registries link /redfish/v1/Registries
		Links.Sessions link /redfish/v1/SessionService/Sessions`,
	systemPath: `
		@odata.type string #ComputerSystem.v1_27_0.ComputerSystem
		Id string node-0
		SystemType string Virtual|Physical
		UUID uuid
		PowerState string? On|Off
		Status.State string Enabled|Disabled|UnavailableOffline
		Status.Health string OK|Warning|Critical
		Manufacturer string?
		Model string?
		SerialNumber string?
		AssetTag string?
		BiosVersion string?
		HostName string?
		PowerRestorePolicy string AlwaysOn|AlwaysOff|LastState
		LocationIndicatorActive bool
		IndicatorLED string Lit|Blinking|Off
		Boot.BootSourceOverrideEnabled string Disabled|Once|Continuous
		Boot.BootSourceOverrideEnabled@Redfish.AllowableValues list
		Boot.BootSourceOverrideTarget string None|Pxe|Hdd|Cd|Floppy|BiosSetup|Diags
		Boot.BootSourceOverrideTarget@Redfish.AllowableValues list
		Boot.BootSourceOverrideMode string Legacy|UEFI
		Boot.BootSourceOverrideMode@Redfish.AllowableValues list
		HostWatchdogTimer.FunctionEnabled bool
		HostWatchdogTimer.TimeoutAction string None|ResetSystem|PowerCycle|PowerDown
		HostWatchdogTimer.Status.State string Enabled|Disabled
		MemorySummary.TotalSystemMemoryGiB int?
		ProcessorSummary.Count int?
		ProcessorSummary.Model string?
		LogServices link /redfish/v1/Systems/node-0/LogServices
		Links.Chassis links /redfish/v1/Chassis/node-0
		Links.ManagedBy links /redfish/v1/Managers/node-0
		Actions.#ComputerSystem.Reset.target string /redfish/v1/Systems/node-0/Actions/ComputerSystem.Reset
		Actions.#ComputerSystem.Reset.ResetType@Redfish.AllowableValues list
		full VirtualMedia link /redfish/v1/Systems/node-0/VirtualMedia
		full SerialConsole.MaxConcurrentSessions int
		full SerialConsole.IPMI.ServiceEnabled bool
		full SerialConsole.IPMI.Port int`,
	managerPath: `
		@odata.type string #Manager.v1_24_0.Manager
		Id string node-0
		ManagerType string BMC
		FirmwareVersion string
		UUID uuid
		ServiceEntryPointUUID uuid
		DateTime time
		DateTimeLocalOffset string +00:00
		PowerState string On
		Status.State string Enabled
		Status.Health string OK
		Links.ManagerForServers links /redfish/v1/Systems/node-0
		Links.ManagerForChassis links /redfish/v1/Chassis/node-0
		NetworkProtocol link /redfish/v1/Managers/node-0/NetworkProtocol
		EthernetInterfaces link /redfish/v1/Managers/node-0/EthernetInterfaces
		LogServices link /redfish/v1/Systems/node-0/LogServices
		full VirtualMedia link /redfish/v1/Systems/node-0/VirtualMedia
		Actions.#Manager.Reset.target string /redfish/v1/Managers/node-0/Actions/Manager.Reset
		Actions.#Manager.Reset.ResetType@Redfish.AllowableValues list`,
	managerPath + "/NetworkProtocol": `
		@odata.type string #ManagerNetworkProtocol.v1_12_0.ManagerNetworkProtocol
		HostName string?
		FQDN string?
		Status.State string Enabled
		HTTP.ProtocolEnabled bool
		HTTPS.ProtocolEnabled bool
		HTTPS.Port int
		IPMI.ProtocolEnabled bool
		IPMI.Port int?`,
	managerPath + "/EthernetInterfaces/1": `
		@odata.type string #EthernetInterface.v1_12_4.EthernetInterface
		MACAddress mac
		InterfaceEnabled bool
		Status.State string Enabled
		HostName string?
		FQDN string?
		IPv4Addresses list
		IPv6Addresses list`,
	chassisPath: `
		@odata.type string #Chassis.v1_28_0.Chassis
		Id string node-0
		ChassisType string RackMount|StandAlone|Other
		PowerState string? On|Off
		Status.State string Enabled|Disabled|UnavailableOffline
		Status.Health string OK|Warning|Critical
		LocationIndicatorActive bool
		IndicatorLED string Lit|Blinking|Off
		full Sensors link /redfish/v1/Chassis/node-0/Sensors
		full Thermal link /redfish/v1/Chassis/node-0/Thermal
		full Power link /redfish/v1/Chassis/node-0/Power
		LogServices link /redfish/v1/Systems/node-0/LogServices
		Links.ComputerSystems links /redfish/v1/Systems/node-0
		Links.ManagedBy links /redfish/v1/Managers/node-0`,
	chassisPath + "/Sensors/cpu": `
		@odata.type string #Sensor.v1_12_0.Sensor
		Id string cpu
		ReadingType string Temperature
		ReadingUnits string Cel
		Reading int?
		ReadingRangeMin int
		ReadingRangeMax int
		Thresholds.UpperCaution.Reading int
		Thresholds.UpperCritical.Reading int
		Thresholds.UpperFatal.Reading int
		Status.State string Enabled|UnavailableOffline
		Status.Health string OK|Warning|Critical`,
	chassisPath + "/Thermal": `
		@odata.type string #Thermal.v1_7_3.Thermal
		Id string Thermal
		Temperatures list
		Fans list`,
	chassisPath + "/Power": `
		@odata.type string #Power.v1_7_3.Power
		Id string Power
		PowerControl list
		Voltages list`,
	drivePath: `
		@odata.type string #VirtualMedia.v1_6_5.VirtualMedia
		Id string Cd
		MediaTypes list
		Image string?
		ImageName string?
		Inserted bool
		WriteProtected bool
		ConnectedVia string NotConnected|URI
		TransferProtocolType string? HTTP|HTTPS
		TransferMethod string? Stream|Upload
		UserName string?
		Password string?
		VerifyCertificate bool
		Status.State string Enabled
		Actions.#VirtualMedia.InsertMedia.target string /redfish/v1/Systems/node-0/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia
		Actions.#VirtualMedia.EjectMedia.target string /redfish/v1/Systems/node-0/VirtualMedia/Cd/Actions/VirtualMedia.EjectMedia`,
	logPath: `
		@odata.type string #LogService.v1_9_0.LogService
		LogEntryType string SEL
		MaxNumberOfRecords int
		OverWritePolicy string WrapsWhenFull
		ServiceEnabled bool
		DateTime time
		DateTimeLocalOffset string +00:00
		Status.State string Enabled
		Entries link /redfish/v1/Systems/node-0/LogServices/SEL/Entries
		Actions.#LogService.ClearLog.target string /redfish/v1/Systems/node-0/LogServices/SEL/Actions/LogService.ClearLog`,
	logPath + "/Entries/1": `
		@odata.type string #LogEntry.v1_21_0.LogEntry
		EntryType string SEL
		Created time
		Message string
		MessageId hex
		Severity string OK|Warning|Critical
		EntryCode string Assert
		SensorType string
		SensorNumber int`,
	"/redfish/v1/SessionService": `
		@odata.type string #SessionService.v1_2_0.SessionService
		ServiceEnabled bool
		SessionTimeout int
		Sessions link /redfish/v1/SessionService/Sessions`,
	"/redfish/v1/SessionService/Sessions/1": `
		@odata.type string #Session.v1_8_0.Session
		UserName string admin
		Password string?
		SessionType string Redfish
		ClientOriginIPAddress string 192.0.2.7
		CreatedTime time`,
	"/redfish/v1/AccountService": `
		@odata.type string #AccountService.v1_18_1.AccountService
		ServiceEnabled bool
		MinPasswordLength int
		MaxPasswordLength int
		Accounts link /redfish/v1/AccountService/Accounts
		Roles link /redfish/v1/AccountService/Roles`,
	"/redfish/v1/AccountService/Accounts/3": `
		@odata.type string #ManagerAccount.v1_14_1.ManagerAccount
		UserName string maas
		Password string?
		RoleId string Operator
		Enabled bool
		Locked bool
		AccountTypes list
		PasswordChangeRequired bool
		Links.Role link /redfish/v1/AccountService/Roles/Operator`,
	"/redfish/v1/AccountService/Roles/Operator": `
		@odata.type string #Role.v1_3_3.Role
		RoleId string Operator
		IsPredefined bool
		AssignedPrivileges list`,
	"/redfish/v1/TaskService": `
		@odata.type string #TaskService.v1_3_0.TaskService
		ServiceEnabled bool
		DateTime time
		CompletedTaskOverWritePolicy string Oldest
		Tasks link /redfish/v1/TaskService/Tasks`,
	"/redfish/v1/TaskService/Tasks/5": `
		@odata.type string #Task.v1_7_4.Task
		TaskState string Pending|Running|Completed|Cancelled|Exception
		TaskStatus string OK|Warning|Critical
		StartTime time
		EndTime string?
		Messages list
		TaskMonitor string /redfish/v1/TaskService/TaskMonitors/5`,
	"/redfish/v1/TaskService/TaskMonitors/5": `
		@odata.type string #Task.v1_7_4.Task`,
	"/redfish/v1/Registries/Base": `
		@odata.type string #MessageRegistryFile.v1_1_5.MessageRegistryFile
		Languages list
		Registry string Base.1.22
		Location list`,
	"/redfish/v1/Registries/Base/Base.1.22.1.json": `
		@odata.type string #MessageRegistry.v1_7_0.MessageRegistry
		Id string Base.1.22.1
		Name string
		Language string en
		RegistryPrefix string Base
		RegistryVersion string 1.22.1
		OwningEntity string DMTF
		Messages.InternalError.Message string
		Messages.InternalError.NumberOfArgs int`,
	"/redfish/v1/Systems":                 `members /redfish/v1/Systems/node-0`,
	"/redfish/v1/Managers":                `members /redfish/v1/Managers/node-0`,
	"/redfish/v1/Chassis":                 `members /redfish/v1/Chassis/node-0`,
	chassisPath + "/Sensors":              `members /redfish/v1/Chassis/node-0/Sensors/cpu`,
	systemPath + "/VirtualMedia":          `members /redfish/v1/Systems/node-0/VirtualMedia/Cd`,
	systemPath + "/LogServices":           `members /redfish/v1/Systems/node-0/LogServices/SEL`,
	logPath + "/Entries":                  `members /redfish/v1/Systems/node-0/LogServices/SEL/Entries/1`,
	managerPath + "/EthernetInterfaces":   `members /redfish/v1/Managers/node-0/EthernetInterfaces/1`,
	"/redfish/v1/SessionService/Sessions": `members /redfish/v1/SessionService/Sessions/1`,
	"/redfish/v1/AccountService/Accounts": `members /redfish/v1/AccountService/Accounts/2`,
	"/redfish/v1/AccountService/Roles":    `members /redfish/v1/AccountService/Roles/Administrator`,
	"/redfish/v1/TaskService/Tasks":       `members /redfish/v1/TaskService/Tasks/5`,
	"/redfish/v1/Registries":              `members /redfish/v1/Registries/Base`,
}

// withEverything is a service with something in each collection.
func withEverything(t testing.TB, scripts []provider.Verb) *rig {
	r := newRig(t, scripts)
	r.Machine.ClearEvents(start)
	r.tasks = []Task{{ID: "5", Verb: provider.Reset, Method: "POST", Path: systemPath, User: "admin", Began: start.Clock}}
	return r
}

// optional matches the resources that depend on the provider.
var optional = regexp.MustCompile(`/VirtualMedia|^/redfish/v1/Chassis/node-0/.`)

func TestResources(t *testing.T) {
	for name, scripts := range map[string][]provider.Verb{"full": full, "lean": lean} {
		for path, wanted := range resources {
			t.Run(name+path, func(t *testing.T) {
				r := withEverything(t, scripts)
				got := r.get(path)
				if name == "lean" && optional.MatchString(path) {
					require.Equal(t, http.StatusNotFound, got.Status)
					return
				}
				require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, got.Status, got.Text)
				require.NotContains(t, got.Text, "\n", "some clients read one line")
				require.NotContains(t, got.Text, `:""`, "empty is null")
				checkIdentity(t, path, got)
				for line := range strings.Lines(strings.TrimSpace(wanted)) {
					words := strings.SplitN(strings.TrimSpace(line), " ", 4)
					if words[0] == "full" {
						if name == "lean" {
							require.Nil(t, got.at(strings.Split(words[1], ".")...), "%s is not there", words[1])
							continue
						}
						words = words[1:]
					}
					checkProperty(t, got, append(words, "")[:3])
				}
			})
		}
	}
}

// checkIdentity checks what all resources have in common.
func checkIdentity(t *testing.T, path string, got response) {
	t.Helper()
	id, isResource := got.Body["@odata.id"].(string)
	if !isResource {
		return
	}
	require.False(t, strings.HasSuffix(id, "/"))
	if !strings.Contains(path, "TaskMonitors") {
		require.Equal(t, strings.TrimSuffix(path, "/"), id)
	}
	require.NotEmpty(t, got.Body["Name"])
	require.Regexp(t, `^#([A-Za-z]+)(\.v\d+_\d+_\d+)?\.[A-Za-z]+$`, got.Body["@odata.type"])
	if _, isCollection := got.Body["Members"]; !isCollection {
		require.NotEmpty(t, got.Body["Id"])
	}
}

var patterns = map[string]*regexp.Regexp{
	"version": regexp.MustCompile(`^\d+\.\d+\.\d+$`),
	"uuid":    regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
	"mac":     regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`),
	"hex":     regexp.MustCompile(`^0x[0-9A-F]{6}$`),
	"time":    regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`),
}

// property finds a property by its path. Names have dots in them, too.
func property(object map[string]any, path string) (value any, there bool) {
	if value, there = object[path]; there {
		return value, true
	}
	for i := range path {
		if path[i] != '.' {
			continue
		}
		if inner, is := object[path[:i]].(map[string]any); is {
			if value, there = property(inner, path[i+1:]); there {
				return value, true
			}
		}
	}
	return nil, false
}

func checkProperty(t *testing.T, got response, words []string) {
	t.Helper()
	name, kind, values := words[0], words[1], words[2]
	if name == "members" {
		members := got.Body["Members"].([]any)
		require.NotEmpty(t, members)
		require.Equal(t, kind, members[0].(map[string]any)["@odata.id"])
		require.EqualValues(t, len(members), got.Body["Members@odata.count"])
		return
	}
	value, there := property(got.Body, name)
	require.True(t, there, "%s is missing in %s", name, got.Text)
	nullable := strings.HasSuffix(kind, "?")
	if value == nil && nullable {
		return
	}
	allowed := func(v string) {
		if values != "" {
			require.Contains(t, strings.Split(values, "|"), v, name)
		}
	}
	switch kind = strings.TrimSuffix(kind, "?"); kind {
	case "string":
		require.IsType(t, "", value, name)
		require.NotEmpty(t, value, name)
		allowed(value.(string))
	case "bool":
		require.IsType(t, true, value, name)
	case "int":
		require.IsType(t, 0.0, value, name)
	case "list":
		require.IsType(t, []any{}, value, name)
	case "link":
		allowed(value.(map[string]any)["@odata.id"].(string))
	case "links":
		require.Len(t, value, 1)
		allowed(value.([]any)[0].(map[string]any)["@odata.id"].(string))
	default:
		require.Regexp(t, patterns[kind], value, name)
	}
}

// The table of this test knows every resource that can be read.
func TestEveryRouteIsChecked(t *testing.T) {
	r := newRig(t, full)
	for _, route := range Routes {
		if _, reads := route.Methods[http.MethodGet]; !reads || strings.HasSuffix(route.Pattern, "$metadata") {
			continue
		}
		known := false
		for path := range resources {
			found, _ := r.route(Routes, path)
			known = known || found != nil && found.Pattern == route.Pattern
		}
		require.True(t, known, route.Pattern)
	}
}

// Links lead to resources that exist, of every resource that can be read.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, scripts := range [][]provider.Verb{full, lean} {
		r := withEverything(t, scripts)
		seen := map[string]bool{}
		var follow func(value any)
		visit := func(uri string) {
			if seen[uri] {
				return
			}
			seen[uri] = true
			got := r.get(uri)
			require.Equal(t, http.StatusOK, got.Status, uri)
			follow(got.Body)
		}
		follow = func(value any) {
			switch v := value.(type) {
			case []any:
				for _, member := range v {
					follow(member)
				}
			case map[string]any:
				for name, member := range v {
					if uri, isLink := member.(string); isLink && (name == "@odata.id" || name == "Uri") {
						resource, _, _ := strings.Cut(uri, "#") // of the member of a list
						visit(resource)
						continue
					}
					follow(member)
				}
			}
		}
		visit("/redfish/v1")
		require.Greater(t, len(seen), 30)
	}
}

func TestMetadata(t *testing.T) {
	got := newRig(t, lean).get("/redfish/v1/$metadata")
	require.Equal(t, Text{"application/xml", got.Text}, got.Answer.Body)
	for _, route := range Routes {
		require.Contains(t, got.Text, `Namespace="`+route.Schema)
	}
	require.Contains(t, got.Text, "<EntityContainer ")
	require.Equal(t, 1, strings.Count(got.Text, `<edmx:Include Namespace="Chassis"/>`))
}

// What the provider has no script for is not offered.
func TestOnlyWhatWorksIsOffered(t *testing.T) {
	got := newRig(t, lean).get(systemPath)
	require.Equal(t, []any{"On", "ForceOn", "ForceOff"}, got.at("Actions", "#ComputerSystem.Reset", "ResetType@Redfish.AllowableValues"))
	require.Equal(t, []any{"None"}, got.at("Boot", "BootSourceOverrideTarget@Redfish.AllowableValues"))
	require.Equal(t, []any{"Disabled"}, got.at("Boot", "BootSourceOverrideEnabled@Redfish.AllowableValues"))

	got = newRig(t, full).get(systemPath)
	require.Equal(t, []any{
		"On", "ForceOn", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle", "Nmi",
	}, got.at("Actions", "#ComputerSystem.Reset", "ResetType@Redfish.AllowableValues"))
	require.Equal(t, []any{"None", "Pxe", "Hdd", "Cd", "Floppy", "BiosSetup", "Diags"},
		got.at("Boot", "BootSourceOverrideTarget@Redfish.AllowableValues"))
	require.Equal(t, []any{"Disabled", "Once", "Continuous"}, got.at("Boot", "BootSourceOverrideEnabled@Redfish.AllowableValues"))
	require.Equal(t, "QEMU", got.at("Manufacturer"))

	got = newRig(t, []provider.Verb{provider.Status, provider.MediaInsert}).get(drivePath)
	require.NotContains(t, got.at("Actions"), "#VirtualMedia.EjectMedia")

	got = newRig(t, []provider.Verb{provider.Status}).get(systemPath)
	require.Equal(t, map[string]any{}, got.at("Actions"))
}

// A status that is not known is null, never Off: a fence agent that believed it would destroy
// data.
func TestPowerState(t *testing.T) {
	for _, path := range []string{systemPath, chassisPath} {
		r := newRig(t, full)
		require.Equal(t, "On", r.get(path).at("PowerState"))
		require.False(t, r.Machine.State.PowerOn.Since.IsZero(), "the time that it is on counts")
		r.does[provider.Status] = machine.Reading{}
		require.Equal(t, "Off", r.get(path).at("PowerState"))
		require.Equal(t, "OK", r.get(path).at("Status", "Health"))
		r.does[provider.Status] = machine.Reading{On: true, Err: provider.ErrTimeout}
		require.Nil(t, r.get(path).at("PowerState"))
		require.Equal(t, "Warning", r.get(path).at("Status", "Health"))
		r.does[provider.Status] = machine.Reading{On: true}
		r.Machine.Update(func(s *machine.State) { s.PowerFault = true })
		require.Equal(t, "Warning", r.get(path).at("Status", "Health"))
	}
	r := newRig(t, full)
	r.unread = provider.ErrTimeout
	require.Equal(t, http.StatusInternalServerError, r.get(systemPath).Status)
}

// The inventory script is asked until it has answered once.
func TestInventory(t *testing.T) {
	r := newRig(t, full)
	r.Machine.FRU = provider.FRU{Product: "from the settings", Asset: "A1"}
	r.does[provider.FRUGet] = machine.Reading{Err: provider.ErrTimeout}
	require.Equal(t, "from the settings", r.get(systemPath).at("Model"))
	require.Nil(t, r.get(systemPath).at("Manufacturer"))
	r.does[provider.FRUGet] = machine.Reading{FRU: provider.FRU{Product: "PC"}}
	require.Equal(t, "PC", r.get(systemPath).at("Model"))
	require.Equal(t, "A1", r.get(chassisPath).at("AssetTag"))
	r.does[provider.FRUGet] = machine.Reading{Err: provider.ErrTimeout}
	require.Equal(t, "PC", r.get(systemPath).at("Model"))
}

func TestWatchdogTimer(t *testing.T) {
	r := newRig(t, full)
	require.Equal(t, "None", r.get(systemPath).at("HostWatchdogTimer", "TimeoutAction"))
	r.Machine.Update(func(s *machine.State) {
		s.Watchdog = machine.Watchdog{Use: machine.UseManagementOS, Action: provider.Cycle, Countdown: time.Minute}
		s.Watchdog.Start(start)
	})
	got := r.get(systemPath)
	require.Equal(t, true, got.at("HostWatchdogTimer", "FunctionEnabled"))
	require.Equal(t, "PowerCycle", got.at("HostWatchdogTimer", "TimeoutAction"))
}

func TestEthernetInterface(t *testing.T) {
	r := newRig(t, lean)
	path := managerPath + "/EthernetInterfaces/1"
	got := r.get(path)
	require.Equal(t, "02:00:00:00:00:01", got.at("MACAddress"))
	require.Equal(t, []any{map[string]any{"Address": "192.0.2.1", "SubnetMask": "255.255.255.0", "Gateway": "192.0.2.254"}}, got.at("IPv4Addresses"))

	r.HTTPS = netipAddrPort("[2001:db8::1]:443")
	got = r.get(path)
	require.Empty(t, got.at("IPv4Addresses"))
	require.Equal(t, []any{map[string]any{"Address": "2001:db8::1", "PrefixLength": 24.0}}, got.at("IPv6Addresses"))

	got = r.send(Request{Method: "GET", Path: path, Local: netipAddrPort("198.51.100.1:443")})
	require.Contains(t, got.Text, "198.51.100.1", "the address to which the request was sent")

	r.Service.LAN = unknownLAN
	r.HTTPS = netipAddrPort("0.0.0.0:443")
	got = r.get(path)
	require.Nil(t, got.at("MACAddress"))
	require.Empty(t, got.at("IPv4Addresses"))
}

func TestNetworkProtocolWithoutIPMI(t *testing.T) {
	r := newRig(t, full)
	r.IPMI = netipAddrPort("")
	got := r.get(managerPath + "/NetworkProtocol")
	require.Equal(t, map[string]any{"ProtocolEnabled": false, "Port": nil}, got.at("IPMI"))
	require.NotContains(t, r.get(systemPath).Body, "SerialConsole", "the console is reached by IPMI")
}

// The roles are those of the privilege registry.
func TestRoles(t *testing.T) {
	r := newRig(t, lean)
	require.ElementsMatch(t, []any{"Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"},
		r.get(rolesURI+"/Administrator").at("AssignedPrivileges"))
	require.ElementsMatch(t, []any{"Login", "ConfigureSelf", "ConfigureComponents"}, r.get(rolesURI+"/Operator").at("AssignedPrivileges"))
	require.ElementsMatch(t, []any{"Login", "ConfigureSelf"}, r.get(rolesURI+"/ReadOnly").at("AssignedPrivileges"))
	require.Equal(t, http.StatusNotFound, r.get(rolesURI+"/Root").Status)
	for _, role := range roleNames() {
		require.Equal(t, role, roleOf(privilegeOf(role)))
	}
	require.Equal(t, "ReadOnly", roleOf(instance.PrivilegeNone))
}

// A client finds each message in the registry that the service has.
func TestRegistry(t *testing.T) {
	got := newRig(t, lean).get(registryURI)
	messages := got.at("Messages").(map[string]any)
	require.Len(t, messages, len(registry))
	for key, m := range registry {
		args := regexp.MustCompile(`%\d`).FindAllString(m.Message, -1)
		require.Len(t, args, m.args(), key)
		require.EqualValues(t, m.args(), messages[key].(map[string]any)["NumberOfArgs"])
		require.Contains(t, []string{ok, warning, critical}, m.Severity)
		given := slices.Repeat([]string{"given"}, m.args())
		require.NotContains(t, message(key, given...).Text, "%")
	}
	require.Panics(t, func() { message("Bogus") })
	require.Panics(t, func() { message("PropertyUnknown") })
}
