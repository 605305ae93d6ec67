package ipmi

import "github.com/shipmi/shipmi/internal/rmcp"

const (
	chassis   = rmcp.NetFnChassis
	sensing   = rmcp.NetFnSensor
	app       = rmcp.NetFnApp
	storage   = rmcp.NetFnStorage
	transport = rmcp.NetFnTransport
	group     = rmcp.NetFnGroup

	anyone   = rmcp.Anyone
	callback = rmcp.Callback
	user     = rmcp.User
	operator = rmcp.Operator
	admin    = rmcp.Administrator
)

// Commands are the commands of the BMC. Every other command is InvalidCommand.
//
// A row has: network function, command, section, least privilege, lane, least and
// greatest length of the request's data, name, handler.
var Commands = []Command{
	{chassis, 0x00, "28.1", user, Query, 0, 0, "Get Chassis Capabilities", getChassisCapabilities},
	{chassis, 0x01, "28.2", user, Query, 0, 0, "Get Chassis Status", getChassisStatus},
	{chassis, 0x02, "28.3", operator, Action, 1, 1, "Chassis Control", chassisControl},
	{chassis, 0x04, "28.5", operator, Action, 0, 2, "Chassis Identify", chassisIdentify},
	{chassis, 0x06, "28.8", operator, Inline, 1, 1, "Set Power Restore Policy", setPowerRestorePolicy},
	{chassis, 0x07, "28.11", user, Inline, 0, 0, "Get System Restart Cause", getSystemRestartCause},
	{chassis, 0x08, "28.12", operator, Action, 1, 18, "Set System Boot Options", setSystemBootOptions},
	{chassis, 0x09, "28.13", operator, Query, 3, 3, "Get System Boot Options", getSystemBootOptions},
	{chassis, 0x0F, "28.14", user, Inline, 0, 0, "Get POH Counter", getPOHCounter},

	{sensing, 0x02, "29.3", operator, Once, 7, 7, "Platform Event Message", platformEvent},
	{sensing, 0x10, "30.1", user, Inline, 0, 0, "Get PEF Capabilities", getPEFCapabilities},
	{sensing, 0x13, "30.4", operator, Inline, 3, 3, "Get PEF Configuration Parameters", getPEFConfiguration},
	{sensing, 0x15, "30.6", admin, Inline, 0, 0, "Get Last Processed Event ID", getLastProcessedEventID},
	{sensing, 0x27, "35.9", user, Inline, 1, 1, "Get Sensor Thresholds", getSensorThresholds},
	{sensing, 0x29, "35.11", user, Inline, 1, 1, "Get Sensor Event Enable", getSensorEventEnable},
	{sensing, 0x2B, "35.13", user, Query, 1, 1, "Get Sensor Event Status", getSensorEventStatus},
	{sensing, 0x2D, "35.14", user, Query, 1, 1, "Get Sensor Reading", getSensorReading},

	{app, 0x01, "20.1", user, Inline, 0, 0, "Get Device ID", getDeviceID},
	{app, 0x02, "20.2", admin, Once, 0, 0, "Cold Reset", coldReset},
	{app, 0x03, "20.3", admin, Inline, 0, 0, "Warm Reset", warmReset},
	{app, 0x04, "20.4", user, Inline, 0, 0, "Get Self Test Results", getSelfTestResults},
	{app, 0x07, "20.7", user, Query, 0, 0, "Get ACPI Power State", getACPIPowerState},
	{app, 0x08, "20.8", user, Inline, 0, 0, "Get Device GUID", getDeviceGUID},
	{app, 0x22, "27.5", operator, Inline, 0, 0, "Reset Watchdog Timer", resetWatchdogTimer},
	{app, 0x24, "27.6", operator, Inline, 6, 6, "Set Watchdog Timer", setWatchdogTimer},
	{app, 0x25, "27.7", user, Inline, 0, 0, "Get Watchdog Timer", getWatchdogTimer},
	{app, 0x2F, "22.2", user, Inline, 0, 0, "Get BMC Global Enables", getBMCGlobalEnables},
	{app, 0x37, "22.14", anyone, Inline, 0, 0, "Get System GUID", getSystemGUID},
	{app, 0x38, "22.13", anyone, Inline, 2, 2, "Get Channel Authentication Capabilities", getChannelAuthenticationCapabilities},
	{app, 0x3B, "22.18", user, Inline, 1, 1, "Set Session Privilege Level", setSessionPrivilegeLevel},
	{app, 0x3C, "22.19", callback, Inline, 4, 5, "Close Session", closeSession},
	{app, 0x3D, "22.20", user, Inline, 1, 5, "Get Session Info", getSessionInfo},
	{app, 0x41, "22.23", user, Inline, 2, 2, "Get Channel Access", getChannelAccess},
	{app, 0x42, "22.24", user, Inline, 1, 1, "Get Channel Info", getChannelInfo},
	{app, 0x43, "22.26", admin, Inline, 3, 4, "Set User Access", setUserAccess},
	{app, 0x44, "22.27", operator, Inline, 2, 2, "Get User Access", getUserAccess},
	{app, 0x45, "22.28", admin, Inline, 17, 17, "Set User Name", setUserName},
	{app, 0x46, "22.29", operator, Inline, 1, 1, "Get User Name", getUserName},
	{app, 0x47, "22.30", admin, Inline, 2, 22, "Set User Password", setUserPassword},
	{app, 0x48, "24.1", user, Query, 6, 6, "Activate Payload", activatePayload},
	{app, 0x49, "24.2", user, Once, 6, 6, "Deactivate Payload", deactivatePayload},
	{app, 0x4A, "24.4", user, Query, 1, 1, "Get Payload Activation Status", getPayloadActivationStatus},
	{app, 0x4B, "24.5", user, Query, 2, 2, "Get Payload Instance Info", getPayloadInstanceInfo},
	{app, 0x4C, "24.6", admin, Inline, 6, 6, "Set User Payload Access", setUserPayloadAccess},
	{app, 0x4D, "24.7", operator, Query, 2, 2, "Get User Payload Access", getUserPayloadAccess},
	{app, 0x4E, "24.8", user, Query, 1, 1, "Get Channel Payload Support", getChannelPayloadSupport},
	{app, 0x4F, "24.9", user, Query, 2, 2, "Get Channel Payload Version", getChannelPayloadVersion},
	{app, 0x54, "22.15", anyone, Inline, 3, 3, "Get Channel Cipher Suites", getChannelCipherSuites},
	{app, 0x59, "22.14b", user, Inline, 4, 4, "Get System Info Parameters", getSystemInfo},

	{transport, 0x01, "23.1", admin, Inline, 3, 22, "Set LAN Configuration Parameters", setLANConfiguration},
	{transport, 0x02, "23.2", operator, Inline, 4, 4, "Get LAN Configuration Parameters", getLANConfiguration},
	{transport, 0x21, "26.2", admin, Query, 3, 20, "Set SOL Configuration Parameters", setSOLConfiguration},
	{transport, 0x22, "26.3", user, Query, 4, 4, "Get SOL Configuration Parameters", getSOLConfiguration},

	{storage, 0x10, "34.1", user, Query, 1, 1, "Get FRU Inventory Area Info", getFRUInventoryAreaInfo},
	{storage, 0x11, "34.2", user, Query, 4, 4, "Read FRU Data", readFRUData},
	{storage, 0x12, "34.3", operator, Inline, 4, 255, "Write FRU Data", writeFRUData},
	{storage, 0x20, "33.9", user, Inline, 0, 0, "Get SDR Repository Info", getSDRRepositoryInfo},
	{storage, 0x21, "33.10", user, Inline, 0, 0, "Get SDR Repository Allocation Info", getSDRAllocationInfo},
	{storage, 0x22, "33.11", user, Inline, 0, 0, "Reserve SDR Repository", reserveSDRRepository},
	{storage, 0x23, "33.12", user, Inline, 6, 6, "Get SDR", getSDR},
	{storage, 0x28, "33.17", user, Inline, 0, 0, "Get SDR Repository Time", getSELTime},
	{storage, 0x40, "31.2", user, Inline, 0, 0, "Get SEL Info", getSELInfo},
	{storage, 0x41, "31.3", user, Inline, 0, 0, "Get SEL Allocation Info", getSELAllocationInfo},
	{storage, 0x42, "31.4", user, Inline, 0, 0, "Reserve SEL", reserveSEL},
	{storage, 0x43, "31.5", user, Inline, 6, 6, "Get SEL Entry", getSELEntry},
	{storage, 0x44, "31.6", operator, Once, 16, 16, "Add SEL Entry", addSELEntry},
	{storage, 0x46, "31.8", operator, Once, 4, 4, "Delete SEL Entry", deleteSELEntry},
	{storage, 0x47, "31.9", operator, Once, 6, 6, "Clear SEL", clearSEL},
	{storage, 0x48, "31.10", user, Inline, 0, 0, "Get SEL Time", getSELTime},
	{storage, 0x49, "31.11", operator, Inline, 4, 4, "Set SEL Time", setSELTime},
	{storage, 0x5C, "31.11a", user, Inline, 0, 0, "Get SEL Time UTC Offset", getSELTimeUTCOffset},
	{storage, 0x5D, "31.11b", operator, Inline, 2, 2, "Set SEL Time UTC Offset", setSELTimeUTCOffset},

	{group, 0x01, "DCMI 6.1.1", user, Inline, 2, 2, "Get DCMI Capabilities Info", getDCMICapabilities},
	{group, 0x02, "DCMI 6.6.1", user, Query, 4, 4, "Get Power Reading", getPowerReading},
	{group, 0x06, "DCMI 6.4.2", user, Query, 3, 3, "Get Asset Tag", getAssetTag},
	{group, 0x09, "DCMI 6.4.6.1", user, Inline, 3, 3, "Get Management Controller Identifier String", getControllerID},
}
