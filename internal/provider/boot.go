package provider

// A Device is what a machine boots from, in the words that scripts read and print.
type Device string

// The boot devices. DeviceNone means that nothing is asked for: the machine follows its own order.
const (
	DeviceNone    Device = "none"
	DeviceNetwork Device = "network"
	DeviceHD      Device = "hd"
	DeviceOptical Device = "optical"
	DeviceFloppy  Device = "floppy"
	DeviceSafe    Device = "safe" // hard disk, safe mode
	DeviceDiag    Device = "diag" // diagnostic partition
	DeviceBIOS    Device = "bios" // firmware setup
)

// devices maps what "boot get" may print: our words and those of ipmitool.
var devices = map[string]Device{
	"none": DeviceNone, "network": DeviceNetwork, "hd": DeviceHD, "optical": DeviceOptical,
	"floppy": DeviceFloppy, "safe": DeviceSafe, "diag": DeviceDiag, "bios": DeviceBIOS,
	"pxe": DeviceNetwork, "disk": DeviceHD, "cdrom": DeviceOptical,
}

// A Boot is what "boot set" asks for, and what is in force until the machine has started.
type Boot struct {
	Device     Device
	Persistent bool // for all boots, not only the next one
	EFI        bool // by UEFI, not by a PC compatible BIOS
}

// environ is the Boot as scripts see it.
func (b Boot) environ() []string {
	return []string{
		"SHIPMI_BOOTDEV=" + string(b.Device),
		"SHIPMI_BOOT_PERSISTENT=" + flag(b.Persistent, "1", "0"),
		"SHIPMI_BOOT_EFI=" + flag(b.EFI, "1", "0"),
	}
}
