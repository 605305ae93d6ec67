package ipmi

import (
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// An Identify is the state of chassis identification (IPMI 2.0 §28.5).
type Identify struct {
	Forced bool          `json:"forced,omitempty"` // until told otherwise
	Until  time.Duration `json:"until,omitempty"`  // since the boot of the host
}

const (
	identifyDefault = 15 // seconds
	identifyForce   = 0x01

	identifyKnown      = 0x40 // Get Chassis Status, data 3
	identifyTimed      = 0x10
	identifyIndefinite = 0x20
)

// state is what Get Chassis Status says of it.
func (i Identify) state(now time.Duration) byte {
	switch {
	case i.Forced:
		return identifyKnown | identifyIndefinite
	case now < i.Until && i.Until-now <= maxIdentify:
		return identifyKnown | identifyTimed
	}
	return identifyKnown
}

const maxIdentify = 255 * time.Second

// chassisIdentify marks the managed system for somebody who looks for it: in Get
// Chassis Status, and by the provider's script if it has one.
func chassisIdentify(b *BMC, r *Request) Answer {
	seconds, force := byte(identifyDefault), byte(0)
	if len(r.Data) > 0 {
		seconds = r.Data[0]
	}
	if len(r.Data) > 1 {
		force = r.Data[1]
	}
	if force&^identifyForce != 0 {
		return reply(InvalidField)
	}
	wanted, light := Identify{Forced: force != 0}, provider.Light{On: force != 0}
	if !wanted.Forced && seconds > 0 {
		wanted.Until = r.Now + time.Duration(seconds)*time.Second
		light = provider.Light{On: true, Seconds: int(seconds)}
	}
	store := func() Answer { return reply(b.update(func(s *State) { s.Identify = wanted })) }
	return b.run(Script{Verb: provider.Identify, Light: light, Then: func(res Result) Answer {
		if res.Err != nil {
			return outcomeOf(res.Err).answer()
		}
		return store()
	}}, store)
}
