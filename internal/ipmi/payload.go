package ipmi

// Payload commands (IPMI 2.0 §24). There is no Serial over LAN. The commands answer as
// clients expect it of a BMC on which it is disabled.

// Completion codes of the payload commands.
const (
	payloadInactive Code = 0x80 // Deactivate Payload (§24.2): already deactivated
	payloadAbsent   Code = 0x80 // Get Channel Payload Version (§24.9)
	payloadDisabled Code = 0x81 // Activate Payload (§24.1)
)

const (
	payloadTypeMask = 0x3F
	maxInstance     = 0x0F

	setupFirst = 0x10 // the payload types of session setup
	setupLast  = 0x15
	version10  = 0x10
)

// isSOL reports whether a request names an instance of the SOL payload, the only one
// that could be activated.
func isSOL(kind, instance byte) bool {
	return kind == payloadSOL && instance >= 1 && instance <= maxInstance
}

func activatePayload(_ *BMC, r *Request) Answer {
	if !isSOL(r.Data[0], r.Data[1]) {
		return reply(InvalidField)
	}
	return reply(payloadDisabled)
}

func deactivatePayload(_ *BMC, r *Request) Answer {
	if !isSOL(r.Data[0], r.Data[1]) {
		return reply(InvalidField)
	}
	return reply(payloadInactive)
}

// getPayloadActivationStatus reports that no instance can be activated.
func getPayloadActivationStatus(_ *BMC, r *Request) Answer {
	if r.Data[0] != payloadSOL {
		return reply(InvalidField)
	}
	return done(0, 0, 0)
}

// getPayloadInstanceInfo reports that no session has the instance.
func getPayloadInstanceInfo(_ *BMC, r *Request) Answer {
	if !isSOL(r.Data[0], r.Data[1]) {
		return reply(InvalidField)
	}
	return done(make([]byte, 12)...)
}

// getUserPayloadAccess reports that a user may activate no payload.
func getUserPayloadAccess(_ *BMC, r *Request) Answer {
	if !validChannel(r.Data[0]) || !validUser(r.Data[1]) {
		return reply(InvalidField)
	}
	return done(0, 0, 0, 0)
}

const (
	standardIPMI  = 0x01
	setupRequests = 0x15 // Open Session Request, RAKP Messages 1 and 3
)

func getChannelPayloadSupport(_ *BMC, r *Request) Answer {
	if !validChannel(r.Data[0]) {
		return reply(InvalidField)
	}
	return done(standardIPMI, 0, setupRequests, 0, 0, 0, 0, 0)
}

func getChannelPayloadVersion(_ *BMC, r *Request) Answer {
	kind := r.Data[1]
	switch {
	case !validChannel(r.Data[0]) || kind&^payloadTypeMask != 0:
		return reply(InvalidField)
	case kind == payloadIPMI || kind >= setupFirst && kind <= setupLast:
		return done(version10)
	}
	return reply(payloadAbsent)
}
