package ipmi

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

const diagnosticInterrupt = 0x04

func getChassisCapabilities(b *BMC, _ *Request) Answer {
	p, code := b.provider(provider.Diag)
	if code != OK {
		return reply(code)
	}
	capabilities := byte(0)
	if p.Has(provider.Diag) {
		capabilities = diagnosticInterrupt
	}
	return done(capabilities,
		deviceID, deviceID, deviceID, deviceID) // FRU, SDR, SEL, system management
}

const (
	powerOn            = 0x01
	powerControlFault  = 0x10
	poweredOnByCommand = 0x10 // last power event
)

// getChassisStatus is the word of the provider's status script.
func getChassisStatus(b *BMC, r *Request) Answer {
	return b.status(r, func(on bool) Answer {
		state, event := byte(b.State.Restore)<<restoreShift, byte(0)
		if on {
			state |= powerOn
		}
		if b.State.PowerFault {
			state |= powerControlFault
		}
		if b.State.PoweredOn {
			event = poweredOnByCommand
		}
		return done(state, event, b.State.Identify.state(r.Now))
	})
}

// A control is a power action of Chassis Control (IPMI 2.0 §28.3).
type control struct {
	verb provider.Verb
	// boots tells that the managed system starts, and uses its boot flags.
	boots bool
}

// Power actions that are asked for by name.
const (
	controlOff   = 0
	controlOn    = 1
	controlCycle = 2
	controlReset = 3
)

var controls = []control{
	controlOff:   {provider.Off, false},
	controlOn:    {provider.On, true},
	controlCycle: {provider.Cycle, true},
	controlReset: {provider.Reset, true},
	4:            {provider.Diag, false},
	5:            {provider.Shutdown, false},
}

const chassisControlCmd = 0x02

func chassisControl(b *BMC, r *Request) Answer {
	n := r.Data[0]
	if int(n) >= len(controls) {
		return reply(InvalidField)
	}
	c := controls[n]
	boot := b.State.Boot.at(r.Now).inForce()
	return b.run(Script{Verb: c.verb, Boot: boot, Accept: true, Then: func(res Result) Answer {
		result := outcomeOf(res.Err)
		b.controlled(c, r, res.Time, result)
		return result.answer()
	}}, unavailable)
}

// controlled keeps what a power action has changed. That it cannot be kept does
// not undo the action, so it does not change the answer.
func (b *BMC) controlled(c control, r *Request, ended time.Time, result outcome) {
	if result.untouched {
		return
	}
	b.update(func(s *State) {
		s.PowerFault = result.code != OK
		s.Boot = s.Boot.at(r.Now)
		s.Boot.FlagsSet = 0
		happened := powerEvents[c.verb]
		if s.PowerFault {
			happened = eventPowerFailed
		}
		s.SEL.add(happened.record(), ended)
		switch {
		case s.PowerFault:
		case c.boots:
			s.Boot.booted()
			s.PoweredOn = true
			s.Cause = cmp.Or(r.Cause, CauseChassisControl)
			s.PowerOn.seen(true, r.Time)
		case c.verb == provider.Off:
			s.PoweredOn = false
			s.PowerOn.seen(false, r.Time)
		}
	})
}

// run asks for a script. Where the provider has none, without has the answer. Of one
// that cannot be read nobody knows: that is an error.
func (b *BMC) run(script Script, without func() Answer) Answer {
	if b.resuming {
		return Answer{Script: &script}
	}
	p, code := b.provider(script.Verb)
	switch {
	case code != OK:
		return reply(code)
	case !p.Has(script.Verb):
		return without()
	}
	return Answer{Script: &script}
}

func unavailable() Answer { return reply(SubfunctionUnavailable) }

// provider returns the provider to somebody who wants to know what it has of a verb.
func (b *BMC) provider(v provider.Verb) (*provider.Provider, Code) {
	p, err := b.Provider()
	if err != nil {
		b.Log.Error(string(v)+" failed", "err", err)
	}
	return p, CodeOf(err)
}

// An outcome is what an error of a script means to the console.
type outcome struct {
	err       error
	code      Code
	untouched bool // no fault: the managed system is as it was, or as somebody else wants it
	undone    bool // it may be tried again at once
}

var outcomes = []outcome{
	{nil, OK, false, false},
	{provider.ErrTimeout, Timeout, false, false},
	{context.DeadlineExceeded, Timeout, false, false}, // of a look at the provider
	{provider.ErrBusy, NodeBusy, true, true},
	{provider.ErrState, NotInPresentState, true, true},
	{provider.ErrUnsupported, InvalidField, true, true},
	{provider.ErrNoScript, SubfunctionUnavailable, true, true},
	{provider.ErrSuperseded, NotInPresentState, true, false},
}

// answer is what the console is told.
func (o outcome) answer() Answer { return Answer{Code: o.code, Undone: o.undone} }

// CodeOf returns the completion code that tells a console how a script ended.
func CodeOf(err error) Code { return outcomeOf(err).code }

func outcomeOf(err error) outcome {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o
		}
	}
	return outcome{err: err, code: Unspecified}
}
