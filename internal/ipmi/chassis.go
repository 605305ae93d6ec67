package ipmi

import (
	"encoding/binary"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// ask has the managed system asked by a script of the provider. If the provider has no
// such script, without is the answer. If the script fails, or if the provider's files
// cannot be read, the answer is an error.
func ask(verb provider.Verb, then func(machine.Reading, machine.Moment) Answer, without func() Answer) Answer {
	return Answer{Question: &Question{Verb: verb, Then: func(r machine.Reading, now machine.Moment) Answer {
		switch {
		case r.Err != nil:
			return Respond(machine.OutcomeOf(r.Err))
		case !r.Has:
			return without()
		}
		return then(r, now)
	}}}
}

const diagnosticInterrupt = 0x04

// getChassisCapabilities needs to know only whether the provider has a script.
func getChassisCapabilities(*BMC, *Request) Answer {
	capabilities := func(flags byte) Answer {
		return done(flags, deviceID, deviceID, deviceID, deviceID) // FRU, SDR, SEL, system management
	}
	return ask(provider.Diag,
		func(machine.Reading, machine.Moment) Answer { return capabilities(diagnosticInterrupt) },
		func() Answer { return capabilities(0) })
}

// status asks the provider whether the managed system is on. If the provider does not
// say so, the answer is an error, never "off".
func (b *BMC) status(then func(on bool, now machine.Moment) Answer) Answer {
	return ask(provider.Status, func(r machine.Reading, now machine.Moment) Answer {
		b.Machine.Seen(r.On, now)
		return then(r.On, now)
	}, func() Answer { return Respond(machine.Unavailable) })
}

// flag is the bit if it is set, or 0.
func flag(set bool, bit byte) byte {
	if !set {
		return 0
	}
	return bit
}

// Get Chassis Status (§28.2), data 1 to 3.
const (
	restoreShift       = 5
	powerControlFault  = 0x10
	powerOn            = 0x01
	poweredOnByCommand = 0x10 // last power event

	identifyKnown      = 0x40
	identifyTimed      = 0x10
	identifyIndefinite = 0x20
)

// getChassisStatus reports what the provider's status script says.
func getChassisStatus(b *BMC, _ *Request) Answer {
	return b.status(func(on bool, now machine.Moment) Answer {
		s := &b.Machine.State
		return done(
			byte(s.Restore)<<restoreShift|flag(s.PowerFault, powerControlFault)|flag(on, powerOn),
			flag(s.PoweredOn, poweredOnByCommand),
			identifyKnown|flag(s.Identify.Forced, identifyIndefinite)|flag(s.Identify.Timed(now), identifyTimed))
	})
}

// controls are the power actions of Chassis Control (§28.3), by their numbers.
var controls = []provider.Verb{
	provider.Off,
	provider.On,
	provider.Cycle,
	provider.Reset,
	provider.Diag,
	provider.Shutdown,
}

const chassisControlCmd = 0x02

func chassisControl(_ *BMC, r *Request) Answer {
	intent, ok := controlIntent(r.Data)
	if !ok {
		return reply(InvalidField)
	}
	return Answer{Intent: &intent}
}

func controlIntent(data []byte) (machine.Intent, bool) {
	if int(data[0]) >= len(controls) {
		return machine.Intent{}, false
	}
	return machine.Intent{Verb: controls[data[0]]}, true
}

const (
	chassisIdentifyCmd = 0x04

	identifyDefault = 15 // seconds
	identifyForce   = 0x01
)

// chassisIdentify marks the managed system for a person who looks for it: in Get
// Chassis Status, and by the provider's script if there is one.
func chassisIdentify(_ *BMC, r *Request) Answer {
	intent, ok := identifyIntent(r.Data)
	if !ok {
		return reply(InvalidField)
	}
	return Answer{Intent: &intent}
}

func identifyIntent(data []byte) (machine.Intent, bool) {
	seconds, force := byte(identifyDefault), byte(0)
	if len(data) > 0 {
		seconds = data[0]
	}
	if len(data) > 1 {
		force = data[1]
	}
	light := provider.Light{On: seconds > 0, Seconds: int(seconds)}
	if force != 0 {
		light = provider.Light{On: true}
	}
	return machine.Intent{Verb: provider.Identify, Light: light}, force&^identifyForce == 0
}

const (
	restoreNoChange  = 3 // of Set Power Restore Policy (§28.8): report the policies that there are
	restoreSupported = 0x07
)

func setPowerRestorePolicy(b *BMC, r *Request) Answer {
	policy := r.Data[0]
	switch {
	case policy > restoreNoChange:
		return reply(InvalidField)
	case policy == restoreNoChange:
		return done(restoreSupported)
	}
	b.Machine.SetRestore(machine.RestorePolicy(policy))
	return stored(restoreSupported)
}

// restartCauses are the causes of Get System Restart Cause (§28.11). A cause that is
// not here is unknown.
var restartCauses = map[machine.Cause]byte{
	machine.CauseClient:          0x1, // Chassis Control
	machine.CauseWatchdog:        0x4,
	machine.CauseRestoreOn:       0x6,
	machine.CauseRestorePrevious: 0x7,
}

func getSystemRestartCause(b *BMC, _ *Request) Answer {
	return done(restartCauses[b.Machine.State.Cause], lanChannel)
}

const minutesPerCount = 60

func getPOHCounter(b *BMC, r *Request) Answer {
	hours := uint32(b.Machine.State.PowerOn.At(r.Now.Clock) / (minutesPerCount * time.Minute))
	return done(binary.LittleEndian.AppendUint32([]byte{minutesPerCount}, hours)...)
}

const (
	acpiS5 = 0x05 // soft off
	acpiD0 = 0x00
)

// getACPIPowerState reports what the status script says, like Get Chassis Status. While the
// machine is on, the guest may say more.
func getACPIPowerState(b *BMC, _ *Request) Answer {
	return b.status(func(on bool, _ machine.Moment) Answer {
		if on {
			return done(b.System.ACPI[:]...) // what the guest says, or S0 and D0
		}
		return done(acpiS5, acpiD0)
	})
}
