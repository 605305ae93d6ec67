package ipmi

import "github.com/shipmi/shipmi/internal/rmcp"

const (
	deviceID         = 0x20
	deviceRevision   = 0x01
	ipmiVersion20    = 0x02 // low digit first
	supportsChassis  = 0x80
	selfTestPassed   = 0x55
	lanChannel       = 0x01
	presentChannel   = 0x0E
	minorFirmwareMax = 99
)

// getDeviceID leaves manufacturer and product unspecified: consoles change
// their ways for those they know.
func getDeviceID(b *BMC, _ *Request) Answer {
	minor := min(b.Firmware[1], minorFirmwareMax)
	return done(deviceID, deviceRevision,
		b.Firmware[0]&0x7F, minor/10<<4|minor%10, // BCD
		ipmiVersion20, supportsChassis,
		0, 0, 0, // manufacturer
		0, 0) // product
}

// coldReset ends all sessions, as a restart of the BMC does. The managed system
// does not notice.
func coldReset(b *BMC, _ *Request) Answer {
	b.setInProgress = 0
	var all []uint32
	for _, s := range b.Sessions.List() {
		all = append(all, s.ID)
	}
	return Answer{Ends: all}
}

// warmReset forgets what is under way but keeps the sessions.
func warmReset(b *BMC, _ *Request) Answer {
	b.setInProgress = 0
	return done()
}

func getSelfTestResults(*BMC, *Request) Answer { return done(selfTestPassed, 0) }

func getSystemGUID(b *BMC, _ *Request) Answer { return done(b.GUID[:]...) }

// validChannel tells whether the byte names the LAN channel, by number or as
// the one that the request came in on.
func validChannel(v byte) bool { return v == lanChannel || v == presentChannel }

const (
	extendedData    = 0x80 // of request and response: IPMI 2.0 data
	kgSet           = 0x20
	namedUsersExist = 0x04
	ipmi20Supported = 0x02
)

// getChannelAuthenticationCapabilities offers no way to log in with IPMI 1.5: a
// console of that version is told so at once.
func getChannelAuthenticationCapabilities(b *BMC, r *Request) Answer {
	level := rmcp.Privilege(r.Data[1])
	if !validChannel(r.Data[0]&^extendedData) || level < rmcp.Callback || level > rmcp.OEM {
		return fail(InvalidField)
	}
	status, extended := byte(namedUsersExist), byte(0)
	authTypes := r.Data[0] & extendedData
	if authTypes != 0 {
		extended = ipmi20Supported
		if b.KgSet {
			status |= kgSet
		}
	}
	return done(lanChannel, authTypes, status, extended,
		0, 0, 0, // OEM
		0)
}

const (
	listSuites      = 0x80
	listReserved    = 0x40
	listIndexMask   = 0x3F
	listPageLen     = 16
	payloadIPMI     = 0x00
	payloadSOL      = 0x01
	payloadReserved = 0xC0
)

// getChannelCipherSuites sends one page of the cipher suite records, or of the
// algorithms in them. A page that is not full is the last.
func getChannelCipherSuites(b *BMC, r *Request) Answer {
	switch {
	case !validChannel(r.Data[0]) || r.Data[1]&payloadReserved != 0 || r.Data[2]&listReserved != 0:
		return fail(InvalidField)
	case r.Data[1] != payloadIPMI && r.Data[1] != payloadSOL:
		return fail(payloadTypeUnknown)
	}
	var list []byte
	if r.Data[2]&listSuites != 0 {
		for _, s := range b.Suites {
			list = s.AppendRecord(list)
		}
	} else {
		list = rmcp.AppendAlgorithms(list, b.Suites)
	}
	start := min(int(r.Data[2]&listIndexMask)*listPageLen, len(list))
	page := list[start:min(start+listPageLen, len(list))]
	return done(append([]byte{lanChannel}, page...)...)
}
