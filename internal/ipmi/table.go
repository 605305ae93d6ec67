package ipmi

import "github.com/shipmi/shipmi/internal/rmcp"

const (
	chassis = rmcp.NetFnChassis
	app     = rmcp.NetFnApp

	anyone   = rmcp.Anyone
	callback = rmcp.Callback
	user     = rmcp.User
	operator = rmcp.Operator
	admin    = rmcp.Administrator
)

// Commands is all that the BMC can do. Whatever is not here is InvalidCommand.
//
// A row says: network function, command, section, least privilege, lane, least
// and greatest length of the request's data, name, handler.
var Commands = []Command{
	{chassis, 0x00, "28.1", user, Inline, 0, 0, "Get Chassis Capabilities", getChassisCapabilities},
	{chassis, 0x01, "28.2", user, Query, 0, 0, "Get Chassis Status", getChassisStatus},
	{chassis, 0x02, "28.3", operator, Action, 1, 1, "Chassis Control", chassisControl},
	{chassis, 0x08, "28.12", operator, Action, 1, 18, "Set System Boot Options", setSystemBootOptions},
	{chassis, 0x09, "28.13", operator, Query, 3, 3, "Get System Boot Options", getSystemBootOptions},

	{app, 0x01, "20.1", user, Inline, 0, 0, "Get Device ID", getDeviceID},
	{app, 0x02, "20.2", admin, Inline, 0, 0, "Cold Reset", coldReset},
	{app, 0x03, "20.3", admin, Inline, 0, 0, "Warm Reset", warmReset},
	{app, 0x04, "20.4", user, Inline, 0, 0, "Get Self Test Results", getSelfTestResults},
	{app, 0x37, "22.14", anyone, Inline, 0, 0, "Get System GUID", getSystemGUID},
	{app, 0x38, "22.13", anyone, Inline, 2, 2, "Get Channel Authentication Capabilities", getChannelAuthenticationCapabilities},
	{app, 0x3B, "22.18", user, Inline, 1, 1, "Set Session Privilege Level", setSessionPrivilegeLevel},
	{app, 0x3C, "22.19", callback, Inline, 4, 5, "Close Session", closeSession},
	{app, 0x3D, "22.20", user, Inline, 1, 5, "Get Session Info", getSessionInfo},
	{app, 0x54, "22.15", anyone, Inline, 3, 3, "Get Channel Cipher Suites", getChannelCipherSuites},
}
