package redfish

import (
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// located reports whether the managed system is marked for a person who looks for it.
func (s *Service) located(now machine.Moment) bool {
	i := s.Machine.State.Identify
	return i.Forced || i.Timed(now)
}

// indicators are the values of IndicatorLED. The light has no way to blink, so a blinking
// light reads as lit.
var indicators = []string{"Lit", "Blinking", "Off"}

func indicatorLED(on bool) string {
	if on {
		return "Lit"
	}
	return "Off"
}

// indicatorChange marks the managed system, or ends that: both properties mean the same.
func (s *Service) indicatorChange(f *form) []change {
	on, asked := f.flag("LocationIndicatorActive")
	led, old := f.choice("IndicatorLED", indicators)
	switch {
	case asked && old && on != (led != "Off"):
		f.add("PropertyValueConflict", "IndicatorLED", "IndicatorLED", "LocationIndicatorActive")
		return nil
	case old:
		on = led != "Off"
	case !asked:
		return nil
	}
	return []change{{property: "LocationIndicatorActive", script: true, make: func() Answer {
		return Answer{Intent: &machine.Intent{Verb: provider.Identify, Light: provider.Light{On: on}}}
	}}}
}
