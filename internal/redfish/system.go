package redfish

import (
	"net/http"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A system is the managed system (ComputerSystem).
type system struct {
	resource
	SystemType              string
	UUID                    string
	HostName                *string
	Manufacturer            *string
	Model                   *string
	SerialNumber            *string
	AssetTag                *string
	BiosVersion             *string
	PowerState              *string
	Status                  status
	PowerRestorePolicy      string
	LocationIndicatorActive bool
	IndicatorLED            string   // deprecated, but some clients write no other
	IndicatorLEDs           []string `json:"IndicatorLED@Redfish.AllowableValues"`
	Boot                    bootSource
	HostWatchdogTimer       hostWatchdog
	MemorySummary           memorySummary
	ProcessorSummary        processorSummary
	SerialConsole           *serialConsole `json:",omitempty"`
	VirtualMedia            *link          `json:",omitempty"`
	LogServices             *link
	Links                   systemLinks
	Actions                 systemActions
}

// The memory and the processors are not known, so they are null: some clients refuse a system
// without these properties.
type (
	memorySummary struct {
		TotalSystemMemoryGiB *float64
	}
	processorSummary struct {
		Count *int
		Model *string
	}
)

type hostWatchdog struct {
	FunctionEnabled bool
	TimeoutAction   string
	Status          struct{ State string }
}

// A serialConsole says how clients reach the serial console: by IPMI alone.
type serialConsole struct {
	MaxConcurrentSessions int
	IPMI                  consoleProtocol
}

type consoleProtocol struct {
	ServiceEnabled bool
	Port           uint16
}

type systemLinks struct {
	Chassis   []link
	ManagedBy []link
}

type systemActions struct {
	Reset *resettable `json:"#ComputerSystem.Reset,omitempty"`
}

func (s *Service) systemURI() string { return root + "/Systems/" + s.Name }

func getSystems(s *Service, _ *Request) Answer {
	return done(collection(root+"/Systems", "ComputerSystemCollection", "Systems", s.names()...))
}

func getSystem(s *Service, r *Request) Answer {
	return provided(func(has scripts) Answer {
		return s.withPower(func(p power) Answer {
			return s.withInventory(func(f provider.FRU) Answer { return done(s.system(has, p, f, r.Now)) })
		})
	})
}

func (s *Service) system(has scripts, p power, f provider.FRU, now machine.Moment) system {
	state := &s.Machine.State
	body := system{
		resource:                newResource(s.systemURI(), "ComputerSystem.v1_27_0", s.Name, s.Name),
		SystemType:              "Virtual",
		UUID:                    s.UUID,
		Manufacturer:            text(f.Manufacturer),
		Model:                   text(f.Product),
		SerialNumber:            text(f.Serial),
		AssetTag:                text(f.Asset),
		PowerState:              p.state(),
		Status:                  p.status(state),
		PowerRestorePolicy:      restorePolicies[state.Restore],
		LocationIndicatorActive: s.located(now),
		IndicatorLED:            indicatorLED(s.located(now)),
		IndicatorLEDs:           indicators,
		Boot:                    s.bootSource(has, now),
		HostWatchdogTimer:       watchdogOf(state.Watchdog),
		VirtualMedia:            s.mediaLink(has),
		LogServices:             linkTo(s.logServicesURI()),
		Links:                   systemLinks{links(s.chassisURI()), links(s.managerURI())},
	}
	if allowed := resetTypes(has); len(allowed) > 0 {
		body.Actions.Reset = &resettable{s.systemURI() + "/Actions/" + resetAction, allowed}
	}
	if has(provider.Connect) && s.IPMI.IsValid() {
		body.SerialConsole = &serialConsole{1, consoleProtocol{true, s.IPMI.Port()}}
	}
	return body
}

// restorePolicies are the restore policies, by their numbers.
var restorePolicies = []string{
	machine.RestoreOff:      "AlwaysOff",
	machine.RestorePrevious: "LastState",
	machine.RestoreOn:       "AlwaysOn",
}

// timeoutActions are the actions of the watchdog timer.
var timeoutActions = map[provider.Verb]string{
	provider.Reset: "ResetSystem",
	provider.Off:   "PowerDown",
	provider.Cycle: "PowerCycle",
}

// watchdogOf is the watchdog timer. Only the managed system sets it, over IPMI.
func watchdogOf(w machine.Watchdog) hostWatchdog {
	h := hostWatchdog{FunctionEnabled: w.Running, TimeoutAction: "None"}
	if action, known := timeoutActions[w.Action]; known {
		h.TimeoutAction = action
	}
	h.Status.State = "Disabled"
	if w.Running {
		h.Status.State = "Enabled"
	}
	return h
}

// patchSystem writes the boot override, the restore policy and the indicator.
func patchSystem(s *Service, r *Request) Answer {
	return provided(func(has scripts) Answer {
		f, refused := newForm(r, "")
		if refused != nil {
			return *refused
		}
		var changes []change
		if boot := f.object("Boot"); boot != nil {
			changes = append(changes, s.bootChange(boot, has, r.Now)...)
		}
		if policy, asked := f.choice("PowerRestorePolicy", restorePolicies); asked {
			changes = append(changes, s.restoreChange(policy))
		}
		changes = append(changes, s.indicatorChange(f)...)
		f.finish(system{})
		return f.patch(changes, func() Answer { return getSystem(s, r) })
	})
}

func (s *Service) restoreChange(policy string) change {
	return change{property: "PowerRestorePolicy", make: func() Answer {
		for p, word := range restorePolicies {
			if word == policy {
				s.Machine.SetRestore(machine.RestorePolicy(p))
			}
		}
		return Answer{}
	}}
}

const resetAction = "ComputerSystem.Reset"

// resets are the reset types, with the verb of each.
var resets = []struct {
	word string
	machine.Intent
}{
	{"On", machine.Intent{Verb: provider.On}},
	{"ForceOn", machine.Intent{Verb: provider.On}},
	{"ForceOff", machine.Intent{Verb: provider.Off}},
	{"GracefulShutdown", machine.Intent{Verb: provider.Shutdown}},
	{"GracefulRestart", machine.Intent{Verb: provider.Shutdown, Restart: true}},
	{"ForceRestart", machine.Intent{Verb: provider.Reset}},
	{"PowerCycle", machine.Intent{Verb: provider.Cycle}},
	{"Nmi", machine.Intent{Verb: provider.Diag}},
}

// resetTypes are the reset types that the provider has scripts for.
func resetTypes(has scripts) []string {
	var words []string
	for _, r := range resets {
		if has(r.Verb) && (!r.Restart || has(provider.On)) {
			words = append(words, r.word)
		}
	}
	return words
}

// resetSystem carries out a power action. A machine that is off is not restarted, but
// switched on.
func resetSystem(s *Service, r *Request) Answer {
	return provided(func(has scripts) Answer {
		f, refused := newForm(r, resetAction)
		if refused != nil {
			return *refused
		}
		word, _ := f.choice("ResetType", resetTypes(has))
		f.require("ResetType")
		f.finish(nil)
		if len(*f.wrong) > 0 {
			return f.refused()
		}
		intent := machine.Intent{}
		for _, reset := range resets {
			if reset.word == word {
				intent = reset.Intent
			}
		}
		if restarts := intent.Verb == provider.Reset || intent.Restart; !restarts || !has(provider.On) {
			return Answer{Status: http.StatusNoContent, Intent: &intent}
		}
		return s.withPower(func(p power) Answer {
			if p.known && !p.on {
				intent = machine.Intent{Verb: provider.On}
			}
			return Answer{Status: http.StatusNoContent, Intent: &intent}
		})
	})
}
