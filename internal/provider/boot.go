package provider

// A Device is what the managed machine boots from, in the words that scripts read and print.
type Device string

// The boot devices. DeviceNone means no choice: the managed machine follows its own boot order.
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

// devices maps the words that "boot get" may print: our words and those of ipmitool.
var devices = map[string]Device{
	"none": DeviceNone, "network": DeviceNetwork, "hd": DeviceHD, "optical": DeviceOptical,
	"floppy": DeviceFloppy, "safe": DeviceSafe, "diag": DeviceDiag, "bios": DeviceBIOS,
	"pxe": DeviceNetwork, "disk": DeviceHD, "cdrom": DeviceOptical,
}

// ParseDevice returns the device for a word that "boot get" may print.
func ParseDevice(word string) (d Device, known bool) {
	d, known = devices[word]
	return d, known
}

// A Boot is what "boot set" sets, and what is in force until the managed machine has started.
type Boot struct {
	Device     Device
	Persistent bool // for all boots, not only the next one
	EFI        bool // by UEFI, not by a PC compatible BIOS
}
