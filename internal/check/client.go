package check

import (
	"fmt"
	"strings"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// What ipmitool 1.8.19 prints.

var codeTexts = map[ipmi.Code]string{
	ipmi.NodeBusy:          "Node busy",
	ipmi.Timeout:           "Timeout",
	ipmi.InvalidField:      "Invalid data field in request",
	ipmi.NotInPresentState: "Command not supported in present state",
	ipmi.Unspecified:       "Unspecified error",
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

// queryText returns what ipmitool prints for the response to a query.
func queryText(v provider.Verb, said answers, code ipmi.Code) string {
	failed := code != ipmi.OK
	switch {
	case v == provider.Status && failed:
		return "Get Chassis Power Status failed: " + codeTexts[code]
	case v == provider.Status && said.on:
		return "Chassis Power is on"
	case v == provider.Status:
		return "Chassis Power is off"
	case v == provider.BootGet && failed:
		return "Get Chassis Boot Parameter 5 failed: " + codeTexts[code]
	case v == provider.BootGet:
		return "Boot Device Selector : " + deviceTexts[said.device]
	case failed:
		return "Device not present (" + codeTexts[code] + ")"
	default:
		return fruText(said.fru)
	}
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
func actionText(v provider.Verb, boot provider.Boot, code ipmi.Code) string {
	power := powerTexts[v]
	switch {
	case code == ipmi.OK && power != "":
		return "Chassis Power Control: " + power
	case power != "":
		return "Set Chassis Power Control to " + power + " failed: " + codeTexts[code]
	case v == provider.BootSet && code == ipmi.OK:
		return "Set Boot Device to " + deviceWord(boot.Device)
	case v == provider.BootSet:
		return "Set Chassis Boot Parameter 5 failed: " + codeTexts[code]
	case code == ipmi.OK:
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
