package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Code is the completion code that an IPMI client gets (IPMI 2.0 table 5-2).
type Code byte

// Completion codes of scripts.
const (
	completed    Code = 0x00
	nodeBusy     Code = 0xC0
	timeout      Code = 0xC3
	invalidField Code = 0xCC
	notInState   Code = 0xD5
	unavailable  Code = 0xD6
	unspecified  Code = 0xFF
)

// codes are the completion codes of the outcomes. Every other outcome is unspecified.
var codes = map[machine.Outcome]Code{
	machine.Done:        completed,
	machine.Busy:        nodeBusy,
	machine.TimedOut:    timeout,
	machine.Unsupported: invalidField,
	machine.WrongState:  notInState,
	machine.Superseded:  notInState,
	machine.Unavailable: unavailable,
}

// codeOf is the completion code of a script that ended with err.
func codeOf(err error) Code {
	if code, found := codes[machine.OutcomeOf(err)]; found {
		return code
	}
	return unspecified
}

// String is the meaning in words.
func (c Code) String() string {
	switch c {
	case completed:
		return "completed normally"
	case notInState:
		return "not supported in present state"
	default:
		return strings.ToLower(codeTexts[c])
	}
}

// codeTexts are what ipmitool 1.8.19 prints. The functions below print the same too.
var codeTexts = map[Code]string{
	nodeBusy:     "Node busy",
	timeout:      "Timeout",
	invalidField: "Invalid data field in request",
	notInState:   "Command not supported in present state",
	unspecified:  "Unspecified error",
}

var powerTexts = map[provider.Verb]string{
	provider.On:       "Up/On",
	provider.Off:      "Down/Off",
	provider.Shutdown: "Soft",
	provider.Reset:    "Reset",
	provider.Diag:     "Diag",
	provider.Cycle:    "Cycle",
}

var deviceTexts = map[provider.Device]string{
	provider.DeviceNone:    "No override",
	provider.DeviceNetwork: "Force PXE",
	provider.DeviceHD:      "Force Boot from default Hard-Drive",
	provider.DeviceOptical: "Force Boot from CD/DVD",
	provider.DeviceFloppy:  "Force Boot from Floppy/primary removable media",
	provider.DeviceSafe:    "Force Boot from default Hard-Drive, request Safe-Mode",
	provider.DeviceDiag:    "Force Boot from Diagnostic Partition",
	provider.DeviceBIOS:    "Force Boot into BIOS Setup",
}

// queryText returns what ipmitool prints for the response to a query. For the query of Redfish
// it is what the client is told.
func queryText(v provider.Verb, said machine.Reading, code Code) string {
	failed := code != completed
	switch {
	case v == provider.Status && failed:
		return "Get Chassis Power Status failed: " + codeTexts[code]
	case v == provider.Status && said.On:
		return "Chassis Power is on"
	case v == provider.Status:
		return "Chassis Power is off"
	case v == provider.BootGet && failed:
		return "Get Chassis Boot Parameter 5 failed: " + codeTexts[code]
	case v == provider.BootGet:
		return "Boot Device Selector : " + deviceTexts[said.Device]
	case v == provider.MediaGet && failed:
		return "The drive has the image that was inserted last"
	case v == provider.MediaGet && said.Media == "":
		return "The drive is empty"
	case v == provider.MediaGet:
		return "The drive has the image " + said.Media
	case failed:
		return "Device not present (" + codeTexts[code] + ")"
	default:
		return fruText(said.FRU)
	}
}

// unitTexts and levelTexts are the words of ipmitool.
var (
	unitTexts = map[provider.Unit]string{
		provider.Celsius: "degrees C", provider.Volt: "Volts", provider.Ampere: "Amps", provider.RPM: "RPM",
		provider.Watt: "Watts", provider.Hertz: "Hz", provider.Percent: "percent",
	}
	levelTexts = map[provider.Threshold]string{
		"": "ok", provider.LowWarn: "lnc", provider.LowCritical: "lcr", provider.LowFatal: "lnr",
		provider.Warn: "unc", provider.Critical: "ucr", provider.Fatal: "unr",
	}
)

// sensorsText returns what "ipmitool sdr" prints for the sensors of a provider.
func sensorsText(sensors provider.Sensors, values map[string]float64) string {
	var lines []string
	for _, s := range sensors.All {
		reading, level := "no reading", "ns"
		if value, known := values[s.Name]; known {
			shown, crossed := ipmi.Shown(s, value)
			digits := 2
			if shown == math.Trunc(shown) {
				digits = 0
			}
			reading, level = fmt.Sprintf("%.*f %s", digits, shown, unitTexts[s.Unit]), levelTexts[crossed]
		}
		lines = append(lines, fmt.Sprintf("%-16s | %-17s | %s", s.Name, reading, level))
	}
	return strings.Join(lines, "\n")
}

func fruText(f provider.FRU) string {
	var lines []string
	for _, field := range [][2]string{
		{"Manufacturer", f.Manufacturer}, {"Name", f.Product}, {"Serial", f.Serial}, {"Asset Tag", f.Asset},
	} {
		if field[1] != "" {
			lines = append(lines, fmt.Sprintf("Product %-13s : %s", field[0], field[1]))
		}
	}
	return strings.Join(lines, "\n")
}

// actionText returns what ipmitool prints for the response to an action.
func actionText(v provider.Verb, boot provider.Boot, code Code) string {
	power := powerTexts[v]
	switch {
	case code == completed && power != "":
		return "Chassis Power Control: " + power
	case power != "":
		return "Set Chassis Power Control to " + power + " failed: " + codeTexts[code]
	case v == provider.BootSet && code == completed:
		return "Set Boot Device to " + deviceWord(boot.Device)
	case v == provider.BootSet:
		return "Set Chassis Boot Parameter 5 failed: " + codeTexts[code]
	case code == completed:
		return "Chassis identify interval: default (15 seconds)"
	default:
		return "Set Chassis Identify failed: " + codeTexts[code]
	}
}

// deviceWord returns the name of a boot device on the command line of ipmitool.
func deviceWord(d provider.Device) string {
	switch d {
	case provider.DeviceNetwork:
		return "pxe"
	case provider.DeviceHD:
		return "disk"
	case provider.DeviceOptical:
		return "cdrom"
	default:
		return string(d)
	}
}
