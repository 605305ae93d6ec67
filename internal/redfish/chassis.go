package redfish

import (
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A chassis is what the managed system is in (Chassis).
type chassis struct {
	resource
	ChassisType             string
	Manufacturer            *string
	Model                   *string
	SerialNumber            *string
	AssetTag                *string
	PowerState              *string
	Status                  status
	LocationIndicatorActive bool
	IndicatorLED            string   // deprecated, but some clients write no other
	IndicatorLEDs           []string `json:"IndicatorLED@Redfish.AllowableValues"`
	Sensors                 *link    `json:",omitempty"`
	Thermal                 *link    `json:",omitempty"`
	Power                   *link    `json:",omitempty"`
	LogServices             *link
	Links                   chassisLinks
}

type chassisLinks struct {
	ComputerSystems []link
	ManagedBy       []link
}

func (s *Service) chassisURI() string { return root + "/Chassis/" + s.Name }

func getChassisCollection(s *Service, _ *Request) Answer {
	return done(collection(root+"/Chassis", "ChassisCollection", "Chassis", s.names()...))
}

func getChassis(s *Service, r *Request) Answer {
	return declared(func() Answer {
		return s.withPower(func(p power) Answer {
			return s.withInventory(func(f provider.FRU) Answer { return done(s.chassis(p, f, r.Now)) })
		})
	})
}

func (s *Service) chassis(p power, f provider.FRU, now machine.Moment) chassis {
	body := chassis{
		resource:                newResource(s.chassisURI(), "Chassis.v1_28_0", s.Name, s.Name),
		ChassisType:             "Other",
		Manufacturer:            text(f.Manufacturer),
		Model:                   text(f.Product),
		SerialNumber:            text(f.Serial),
		AssetTag:                text(f.Asset),
		PowerState:              p.state(),
		Status:                  p.status(&s.Machine.State),
		LocationIndicatorActive: s.located(now),
		IndicatorLED:            indicatorLED(s.located(now)),
		IndicatorLEDs:           indicators,
		LogServices:             linkTo(s.logServicesURI()),
		Links:                   chassisLinks{links(s.systemURI()), links(s.managerURI())},
	}
	if len(s.having()) > 0 {
		body.Sensors = linkTo(s.sensorsURI())
	}
	if len(s.having(thermalKinds...)) > 0 {
		body.Thermal = linkTo(s.thermalURI())
	}
	if len(s.having(powerKinds...)) > 0 {
		body.Power = linkTo(s.powerURI())
	}
	return body
}

func patchChassis(s *Service, r *Request) Answer {
	f, refused := newForm(r, "")
	if refused != nil {
		return *refused
	}
	changes := s.indicatorChange(f)
	f.finish(chassis{})
	return f.patch(changes, func() Answer { return getChassis(s, r) })
}
