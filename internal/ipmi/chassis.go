package ipmi

import (
	"errors"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

func getChassisCapabilities(*BMC, *Request) Answer {
	return done(0,
		deviceID, deviceID, deviceID, deviceID) // FRU, SDR, SEL, system management
}

const (
	powerOn            = 0x01
	powerControlFault  = 0x10
	restoreUnknown     = 0x60
	poweredOnByCommand = 0x10 // last power event
)

// getChassisStatus is the word of the provider's status script. Where it has
// none the answer is an error: never "off".
func getChassisStatus(b *BMC, _ *Request) Answer {
	return b.run(provider.Status, provider.Boot{}, func(r Result) Answer {
		if r.Err != nil {
			return fail(outcomeOf(r.Err).code)
		}
		state, event := byte(restoreUnknown), byte(0)
		if r.On {
			state |= powerOn
		}
		if b.State.PowerFault {
			state |= powerControlFault
		}
		if b.State.PoweredOn {
			event = poweredOnByCommand
		}
		return done(state, event, 0)
	})
}

// A control is a power action of Chassis Control (IPMI 2.0 §28.3).
type control struct {
	verb provider.Verb
	// boots tells that the managed system starts, and uses its boot flags.
	boots bool
}

var controls = []control{
	{provider.Off, false},
	{provider.On, true},
	{provider.Cycle, true},
	{provider.Reset, true},
	{provider.Diag, false},
	{provider.Shutdown, false},
}

const controlMask = 0x0F

func chassisControl(b *BMC, r *Request) Answer {
	n := r.Data[0]
	if n&^controlMask != 0 || int(n) >= len(controls) {
		return fail(InvalidField)
	}
	c := controls[n]
	boot := b.State.Boot.at(r.Now).inForce()
	return b.run(c.verb, boot, func(res Result) Answer {
		result := outcomeOf(res.Err)
		b.controlled(c, r.Now, result)
		return fail(result.code)
	})
}

// controlled keeps what a power action has changed. That it cannot be kept does
// not undo the action, so it does not change the answer.
func (b *BMC) controlled(c control, asked time.Duration, result outcome) {
	if result.untouched {
		return
	}
	b.update(func(s *State) {
		s.PowerFault = result.code != OK
		s.Boot = s.Boot.at(asked)
		s.Boot.FlagsSet = 0
		switch {
		case s.PowerFault:
		case c.boots:
			s.Boot.booted()
			s.PoweredOn = true
		case c.verb == provider.Off:
			s.PoweredOn = false
		}
	})
}

// run asks for a script, if the provider has it.
func (b *BMC) run(v provider.Verb, boot provider.Boot, then func(Result) Answer) Answer {
	p, err := b.Provider()
	if err != nil {
		b.Log.Error(string(v)+" failed", "err", err)
		return fail(Unspecified)
	}
	if !p.Has(v) {
		return fail(SubfunctionUnavailable)
	}
	return Answer{Script: &Script{Verb: v, Boot: boot, Then: then}}
}

// has tells whether the provider has a script.
func (b *BMC) has(v provider.Verb) bool {
	p, err := b.Provider()
	return err == nil && p.Has(v)
}

// An outcome is what an error of a script means to the console.
type outcome struct {
	err       error
	code      Code
	untouched bool // the managed system is as it was
}

var outcomes = []outcome{
	{nil, OK, false},
	{provider.ErrTimeout, Timeout, false},
	{provider.ErrBusy, NodeBusy, true},
	{provider.ErrState, NotInPresentState, true},
	{provider.ErrUnsupported, InvalidField, true},
	{provider.ErrNoScript, SubfunctionUnavailable, true},
}

func outcomeOf(err error) outcome {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o
		}
	}
	return outcome{err: err, code: Unspecified}
}
