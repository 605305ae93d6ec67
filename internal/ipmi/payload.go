package ipmi

import (
	"encoding/binary"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Payload commands (IPMI 2.0 §24). If the provider has no console script, the commands
// answer as clients expect it of a BMC on which Serial over LAN is disabled.

// Completion codes of the payload commands.
const (
	payloadInactive Code = 0x80 // Deactivate Payload (§24.2): already deactivated
	payloadAbsent   Code = 0x80 // Get Channel Payload Version (§24.9)
	payloadActive   Code = 0x80 // Activate Payload (§24.1): by another session
	payloadDisabled Code = 0x81 // Activate Payload
	payloadLimit    Code = 0x82 // Activate Payload: the session has another instance
)

const (
	payloadTypeMask = 0x3F
	maxInstance     = 0x0F

	setupFirst = 0x10 // the payload types of session setup
	setupLast  = 0x15
	version10  = 0x10

	serialPort = 1 // number of the one there is
)

// isSOL reports whether a request names an instance of the SOL payload, the only one
// that could be activated.
func isSOL(kind, instance byte) bool {
	return kind == payloadSOL && instance >= 1 && instance <= maxInstance
}

// withConsole answers with a function if the provider has a console script, and else as a
// BMC on which Serial over LAN is disabled.
func withConsole(then func() Answer, without Answer) Answer {
	return ask(provider.Connect,
		func(machine.Reading, machine.Moment) Answer { return then() },
		func() Answer { return without })
}

// mayOpen reports whether the session may open and close the console: by its level, and by
// what its user may.
func (b *BMC) mayOpen(s Session) bool {
	u := userOf(b.Users.Credentials(), s.UserID)
	return s.Privilege >= solOf(b.Machine).privilege() && !u.NoConsole
}

func clientOf(r *Request) console.Client {
	return console.Client{Session: r.Session.ID, User: r.Session.User, Peer: r.Session.Peer, Local: r.Local}
}

// activatePayload may be handled again: a session that has opened the console before gets
// the same answer, and nothing changes. The payload is encrypted in any case, as the session
// is, also for a client that does not ask for that, such as goipmi.
func activatePayload(b *BMC, r *Request) Answer {
	if !isSOL(r.Data[0], r.Data[1]) {
		return reply(InvalidField)
	}
	instance := int(r.Data[1])
	return withConsole(func() Answer { return b.activate(r, instance) }, reply(payloadDisabled))
}

func (b *BMC) activate(r *Request, instance int) Answer {
	parameters := solOf(b.Machine)
	switch {
	case instance > console.Instances:
		return reply(InvalidField)
	case !parameters.enabled():
		return reply(payloadDisabled)
	case !b.mayOpen(r.Session):
		return reply(InsufficientPrivilege)
	}
	refusal, err := b.Console.Activate(instance, clientOf(r))
	switch {
	case err != nil:
		return reply(Unspecified)
	case refusal == console.Occupied:
		return reply(payloadActive)
	case refusal == console.OnlyOne:
		return reply(payloadLimit)
	}
	return done(rmcp.AppendSOLActivation(nil, b.port(r))...)
}

func deactivatePayload(b *BMC, r *Request) Answer {
	if !isSOL(r.Data[0], r.Data[1]) {
		return reply(InvalidField)
	}
	instance := int(r.Data[1])
	return withConsole(func() Answer {
		switch {
		case !b.mayOpen(r.Session):
			return reply(InsufficientPrivilege)
		case !b.Console.Deactivate(instance, clientOf(r)):
			return reply(payloadInactive)
		}
		return done()
	}, reply(payloadInactive))
}

func getPayloadActivationStatus(b *BMC, r *Request) Answer {
	if r.Data[0] != payloadSOL {
		return reply(InvalidField)
	}
	return withConsole(func() Answer {
		var open uint16
		for p := range b.Console.Payloads() {
			open |= 1 << (p.Instance - 1)
		}
		return done(binary.LittleEndian.AppendUint16([]byte{console.Instances}, open)...)
	}, done(0, 0, 0))
}

// getPayloadInstanceInfo reports which session has an instance, and the number of the
// serial port.
func getPayloadInstanceInfo(b *BMC, r *Request) Answer {
	if !isSOL(r.Data[0], r.Data[1]) {
		return reply(InvalidField)
	}
	info, instance := make([]byte, 12), int(r.Data[1])
	return withConsole(func() Answer {
		for p := range b.Console.Payloads() {
			if p.Instance == instance {
				binary.LittleEndian.PutUint32(info, p.Session)
				info[4] = serialPort
			}
		}
		return done(info...)
	}, done(info...))
}

const (
	payloadAccessSOL = 0x02 // in the first of the four bytes of payload types

	payloadAccessOperation = 0xC0
	payloadAccessEnable    = 0x00
	payloadAccessDisable   = 0x40
)

// setUserPayloadAccess changes whether a user may open the console. Other payload types
// are ignored: there are none that could be enabled or disabled.
func setUserPayloadAccess(b *BMC, r *Request) Answer {
	operation, id := r.Data[1]&payloadAccessOperation, r.Data[1]&^payloadAccessOperation
	if !r.isLAN(r.Data[0]) || !validUser(id) || operation > payloadAccessDisable {
		return reply(InvalidField)
	}
	if r.Data[2]&payloadAccessSOL == 0 {
		return done()
	}
	return b.changeUser(r, id, func(u *instance.User) { u.NoConsole = operation == payloadAccessDisable })
}

func getUserPayloadAccess(b *BMC, r *Request) Answer {
	if !r.isLAN(r.Data[0]) || !validUser(r.Data[1]) {
		return reply(InvalidField)
	}
	id := r.Data[1]
	return withConsole(func() Answer {
		if userOf(b.Users.Credentials(), id).NoConsole {
			return done(0, 0, 0, 0)
		}
		return done(payloadAccessSOL, 0, 0, 0)
	}, done(0, 0, 0, 0))
}

const (
	standardIPMI  = 0x01
	standardSOL   = 0x02
	setupRequests = 0x15 // Open Session Request, RAKP Messages 1 and 3
)

func getChannelPayloadSupport(_ *BMC, r *Request) Answer {
	if !r.isLAN(r.Data[0]) {
		return reply(InvalidField)
	}
	support := func(standard byte) Answer { return done(standard, 0, setupRequests, 0, 0, 0, 0, 0) }
	return withConsole(func() Answer { return support(standardIPMI | standardSOL) }, support(standardIPMI))
}

func getChannelPayloadVersion(_ *BMC, r *Request) Answer {
	kind := r.Data[1]
	switch {
	case !r.isLAN(r.Data[0]) || kind&^payloadTypeMask != 0:
		return reply(InvalidField)
	case kind == payloadIPMI || kind >= setupFirst && kind <= setupLast:
		return done(version10)
	case kind == payloadSOL:
		return withConsole(func() Answer { return done(version10) }, reply(payloadAbsent))
	}
	return reply(payloadAbsent)
}
