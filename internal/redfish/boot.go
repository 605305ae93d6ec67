package redfish

import (
	"cmp"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A bootSource is the boot override (ComputerSystem.Boot). Its properties are there also when
// nothing is overridden: clients write what they have read.
type bootSource struct {
	Enabled  string   `json:"BootSourceOverrideEnabled"`
	Enableds []string `json:"BootSourceOverrideEnabled@Redfish.AllowableValues"`
	Target   string   `json:"BootSourceOverrideTarget"`
	Targets  []string `json:"BootSourceOverrideTarget@Redfish.AllowableValues"`
	Mode     string   `json:"BootSourceOverrideMode"`
	Modes    []string `json:"BootSourceOverrideMode@Redfish.AllowableValues"`
}

// Values of BootSourceOverrideEnabled.
const (
	bootDisabled   = "Disabled"
	bootOnce       = "Once"
	bootContinuous = "Continuous"
)

// Values of BootSourceOverrideMode.
const (
	bootLegacy = "Legacy"
	bootUEFI   = "UEFI"
)

// bootTargets are the values of BootSourceOverrideTarget. A device is written as its first
// value. Redfish has no word for a safe mode.
var bootTargets = []struct {
	word   string
	device provider.Device
}{
	{"None", provider.DeviceNone},
	{"Pxe", provider.DeviceNetwork},
	{"Hdd", provider.DeviceHD},
	{"Hdd", provider.DeviceSafe},
	{"Cd", provider.DeviceOptical},
	{"Floppy", provider.DeviceFloppy},
	{"BiosSetup", provider.DeviceBIOS},
	{"Diags", provider.DeviceDiag},
}

func targetOf(device provider.Device) string {
	for _, t := range bootTargets {
		if t.device == device {
			return t.word
		}
	}
	return bootTargets[0].word
}

func deviceOf(target string) provider.Device {
	for _, t := range bootTargets {
		if t.word == target {
			return t.device
		}
	}
	return provider.DeviceNone
}

// bootSource is the boot override as it reads. Without a script nothing can be overridden.
func (s *Service) bootSource(has scripts, now machine.Moment) bootSource {
	o := s.Machine.Override(now)
	b := bootSource{
		Enabled: bootDisabled, Enableds: []string{bootDisabled},
		Target: targetOf(o.Device), Targets: []string{bootTargets[0].word},
		Mode: bootLegacy, Modes: []string{bootLegacy, bootUEFI},
	}
	switch {
	case !o.Valid || o.Masked:
	case o.Persistent:
		b.Enabled = bootContinuous
	default:
		b.Enabled = bootOnce
	}
	if o.EFI {
		b.Mode = bootUEFI
	}
	if has(provider.BootSet) {
		b.Enableds = []string{bootDisabled, bootOnce, bootContinuous}
		for _, t := range bootTargets[1:] {
			if !slices.Contains(b.Targets, t.word) {
				b.Targets = append(b.Targets, t.word)
			}
		}
	}
	return b
}

// bootChange writes the boot override. Absent properties keep their values. If a client disables
// the override without naming a target, the target becomes None. One wrong value
// keeps all three as they are.
func (s *Service) bootChange(f *form, has scripts, now machine.Moment) []change {
	present, before := s.bootSource(has, now), len(*f.wrong)
	target, targeted := f.choice("BootSourceOverrideTarget", present.Targets)
	enabled, toggled := f.choice("BootSourceOverrideEnabled", present.Enableds)
	mode, moded := f.choice("BootSourceOverrideMode", present.Modes)
	spoiled := len(*f.wrong) > before
	f.finish(bootSource{})
	if spoiled || !targeted && !toggled && !moded {
		return nil
	}
	enabled, mode = cmp.Or(enabled, present.Enabled), cmp.Or(mode, present.Mode)
	device := s.Machine.Override(now).Device
	switch {
	case targeted && target == present.Target:
	case targeted:
		device = deviceOf(target)
	case toggled && enabled == bootDisabled:
		device = provider.DeviceNone
	}
	wish := machine.Override{
		Boot: machine.Boot{
			Boot: provider.Boot{
				Device: cmp.Or(device, provider.DeviceNone), Persistent: enabled == bootContinuous, EFI: mode == bootUEFI,
			},
			Lasts: enabled == bootOnce,
		},
		Valid: enabled != bootDisabled,
		Keep:  s.Machine.State.Override.Keep,
	}
	return []change{{property: "Boot", script: true, make: func() Answer {
		intent, outcome := s.Machine.SetOverride(wish, s.Acting(), now)
		if intent == nil && outcome != machine.Done {
			return respond(provider.BootSet, outcome)
		}
		return Answer{Intent: intent}
	}}}
}
