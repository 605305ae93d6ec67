package ipmi

import (
	"time"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A State is what a BMC keeps when its process ends and its host reboots. The
// zero value is that of a new BMC. It is stored as JSON.
type State struct {
	Boot Boot `json:"boot"`
	// PowerFault is set while the last Chassis Control failed.
	PowerFault bool `json:"power_fault,omitempty"`
	// PoweredOn is set if the last change to on came from a Chassis Control.
	PoweredOn bool          `json:"powered_on,omitempty"`
	Restore   RestorePolicy `json:"restore,omitempty"`
	// HostBoot is the boot of the host in which Restore was last set or
	// carried out.
	HostBoot string      `json:"host_boot,omitempty"`
	Cause    Cause       `json:"cause,omitempty"`
	PowerOn  PowerOnTime `json:"power_on,omitzero"`
	Identify Identify    `json:"identify,omitzero"`
	Watchdog Watchdog    `json:"watchdog,omitzero"`
	SEL      SEL         `json:"sel,omitzero"`
	Changed  Changed     `json:"changed,omitzero"`
}

// Changed is the last request that changed the state at once, and its answer: the next
// process may be asked for that once more.
type Changed struct {
	Session  uint32        `json:"session"` // ID
	Sequence uint32        `json:"sequence"`
	Request  rmcp.Request  `json:"request"`
	Answer   []byte        `json:"answer,omitempty"` // its data
	At       time.Duration `json:"at"`               // since the boot of the host
}

// Boot holds the boot options (IPMI 2.0 §28.12).
type Boot struct {
	Parameters [bootParameters]BootParameter `json:"parameters"`
	// FlagsSet is when boot flags were last written, since the boot of the
	// host, while no Chassis Control has followed; else 0.
	FlagsSet time.Duration `json:"flags_set,omitempty"`
}

// A BootParameter is one boot option.
type BootParameter struct {
	Data    []byte `json:"data,omitempty"` // none: never set
	Invalid bool   `json:"invalid,omitempty"`
}

// Boot option parameter numbers (IPMI 2.0 §28.13, table 28-14).
const (
	bootSetInProgress = 0
	bootPartition     = 1
	bootPartitionScan = 2
	bootClearing      = 3
	bootAcknowledge   = 4
	bootFlags         = 5
	bootInitiator     = 6
	bootMailbox       = 7
	bootParameters    = 8
)

// Boot flags, data 1 and 2.
const (
	flagsValid      = 0x80
	flagsPersistent = 0x40
	flagsEFI        = 0x20
	flagsLen        = 5

	deviceShift = 2
	deviceMask  = 0x0F
)

// flagsLife is how long boot flags wait for a Chassis Control, unless bit 3 of
// the parameter bootClearing keeps them.
const (
	flagsLife     = 60 * time.Second
	keepAfterLife = 0x08
)

// at returns the boot options as they are at that time: with boot flags that are
// not valid where they have waited too long. Persistent flags wait for ever. A
// time that lies ahead is from before the host was booted.
func (b Boot) at(now time.Duration) Boot {
	flags := b.data(bootFlags, flagsLen)
	kept := b.FlagsSet == 0 || flags[0]&flagsPersistent != 0 || b.data(bootClearing, 1)[0]&keepAfterLife != 0
	if !kept && (now < b.FlagsSet || now-b.FlagsSet >= flagsLife) {
		flags[0] &^= flagsValid
		b.Parameters[bootFlags].Data = flags
	}
	return b
}

// inForce is what valid boot flags ask for.
func (b Boot) inForce() provider.Boot {
	flags := b.data(bootFlags, flagsLen)
	if flags[0]&flagsValid == 0 || b.Parameters[bootFlags].Invalid {
		return provider.Boot{Device: provider.DeviceNone}
	}
	device, _ := deviceOf(flags)
	return provider.Boot{
		Device:     device,
		Persistent: flags[0]&flagsPersistent != 0,
		EFI:        flags[0]&flagsEFI != 0,
	}
}

// data is a copy of the data of an option, zeros where it was never set.
func (b Boot) data(number byte, length int) []byte {
	data := make([]byte, length)
	copy(data, b.Parameters[number].Data)
	return data
}

// booted is the state after the managed system was started: flags for one boot
// have been used.
func (b *Boot) booted() {
	if flags := b.Parameters[bootFlags].Data; len(flags) > 0 && flags[0]&flagsPersistent == 0 {
		b.Parameters[bootFlags] = BootParameter{}
	}
}

// devices are the boot device selectors of the boot flags; those that are not
// here are reserved. Media of the console are those of the managed system here.
// A device reads as its first selector.
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

// deviceOf is the device that boot flags select, if the selector is not reserved.
func deviceOf(flags []byte) (provider.Device, bool) {
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
