package ipmi

import (
	"cmp"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// Boot flags (§28.13, table 28-14), data 1 and 2.
const (
	flagsValid      = 0x80
	flagsPersistent = 0x40
	flagsEFI        = 0x20
	flagsLen        = 5

	deviceShift = 2
	deviceMask  = 0x0F
)

// flagsReserved are the reserved bits of data 1 to 5.
var flagsReserved = [flagsLen]byte{0x1F, 0, 0, 0xF0, 0xE0}

// devices are the boot device selectors of the boot flags. Selectors that are not here
// are reserved. Remotely connected media are the managed system's own here. A device
// is encoded as its first selector.
var devices = []struct {
	selector byte
	device   provider.Device
}{
	{0x0, provider.DeviceNone},
	{0x1, provider.DeviceNetwork},
	{0x2, provider.DeviceHD},
	{0x3, provider.DeviceSafe},
	{0x4, provider.DeviceDiag},
	{0x5, provider.DeviceOptical},
	{0x6, provider.DeviceBIOS},
	{0xF, provider.DeviceFloppy},
	{0x7, provider.DeviceFloppy},
	{0x8, provider.DeviceOptical},
	{0x9, provider.DeviceOptical},
	{0xB, provider.DeviceHD},
}

// deviceOf is the device that boot flags select, unless the selector is reserved.
func deviceOf(flags [flagsLen]byte) (provider.Device, bool) {
	for _, d := range devices {
		if d.selector == flags[1]>>deviceShift&deviceMask {
			return d.device, true
		}
	}
	return provider.DeviceNone, false
}

// selectorOf is the boot device selector of a device.
func selectorOf(device provider.Device) byte {
	for _, d := range devices {
		if d.device == device {
			return d.selector
		}
	}
	return 0
}

// decodeFlags reads boot flags, unless a reserved bit or selector is set.
func decodeFlags(data []byte) (machine.Boot, bool) {
	raw := [flagsLen]byte(data)
	device, ok := deviceOf(raw)
	for i, reserved := range flagsReserved {
		ok = ok && raw[i]&reserved == 0
	}
	return machine.Boot{
		Boot: provider.Boot{
			Device:     device,
			Persistent: raw[0]&flagsPersistent != 0,
			EFI:        raw[0]&flagsEFI != 0,
		},
		Raw: raw,
	}, ok
}

// encodeFlags lays the boot override out as boot flags. Bits without a meaning for the
// machine read back as a client wrote them. The selector does too, unless the override
// names another device by now.
func encodeFlags(o machine.Override) []byte {
	flags := [flagsLen]byte(o.Raw)
	flags[0] = flag(o.Valid, flagsValid) | flag(o.Persistent, flagsPersistent) | flag(o.EFI, flagsEFI)
	if written, _ := deviceOf(flags); written != cmp.Or(o.Device, provider.DeviceNone) {
		flags[1] = flags[1]&^(deviceMask<<deviceShift) | selectorOf(o.Device)<<deviceShift
	}
	return flags[:]
}
