package ipmi

import (
	"encoding/binary"

	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	lanChannel     = 0x01
	presentChannel = 0x0E // on which the request came in
	systemChannel  = 0x0F
)

// isLAN reports whether a byte of the request names the LAN channel.
func (r *Request) isLAN(v byte) bool { return v == lanChannel || v == presentChannel && !r.System }

// isSystem reports whether a byte of the request names the channel of the system interface,
// which only the guest knows.
func (r *Request) isSystem(v byte) bool {
	return r.System && (v == systemChannel || v == presentChannel)
}

const (
	extendedData    = 0x80 // of request and response: IPMI 2.0 data
	kgSet           = 0x20
	namedUsersExist = 0x04
	ipmi20Supported = 0x02
)

// getChannelAuthenticationCapabilities offers no way to log in with IPMI 1.5, so that a
// client of that version gives up at once.
func getChannelAuthenticationCapabilities(b *BMC, r *Request) Answer {
	level := rmcp.Privilege(r.Data[1])
	if !r.isLAN(r.Data[0]&^extendedData) || level < rmcp.Callback || level > rmcp.OEM {
		return reply(InvalidField)
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
// algorithms in them. A page that is not full is the last one.
func getChannelCipherSuites(b *BMC, r *Request) Answer {
	switch {
	case !r.isLAN(r.Data[0]) || r.Data[1]&payloadReserved != 0 || r.Data[2]&listReserved != 0:
		return reply(InvalidField)
	case r.Data[1] != payloadIPMI && r.Data[1] != payloadSOL:
		return reply(payloadTypeUnknown)
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

// The access to a channel (IPMI 2.0 §22.23).
const (
	accessVolatile    = 0x80
	accessNonVolatile = 0x40
	accessSelector    = 0xC0

	alertingDisabled = 0x20
	alwaysAvailable  = 0x02
)

// getChannelAccess answers the same for the volatile and the non-volatile settings,
// since there is nothing to set. The limit of the system interface is that of the guest.
func getChannelAccess(_ *BMC, r *Request) Answer {
	which := r.Data[1]
	limit := rmcp.Administrator
	if r.isSystem(r.Data[0]) {
		limit = r.Session.Limit
	} else if !r.isLAN(r.Data[0]) {
		return reply(InvalidField)
	}
	if which != accessVolatile && which != accessNonVolatile {
		return reply(InvalidField)
	}
	return done(alertingDisabled|alwaysAvailable, byte(limit))
}

const (
	mediumLAN    = 0x04 // 802.3
	protocolIPMB = 0x01
	multiSession = 0x80
	vendorIPMI   = 7154 // the IPMI forum's IANA enterprise number

	mediumSystem = 0x0C
	protocolKCS  = 0x05
	noInterrupt  = 0xFF // or one that the BMC does not know
)

// getChannelInfo describes the LAN channel, and to the guest its own.
func getChannelInfo(b *BMC, r *Request) Answer {
	if r.isSystem(r.Data[0]) {
		info := []byte{systemChannel, mediumSystem, protocolKCS, 0}
		info = binary.LittleEndian.AppendUint32(info, vendorIPMI)[:7]
		return done(append(info, noInterrupt, noInterrupt)...)
	}
	if !r.isLAN(r.Data[0]) {
		return reply(InvalidField)
	}
	active := byte(min(len(b.Sessions.List()), maxSlots))
	info := []byte{lanChannel, mediumLAN, protocolIPMB, multiSession | active}
	info = binary.LittleEndian.AppendUint32(info, vendorIPMI)[:7] // only three bytes of it
	return done(append(info, 0, 0)...)
}
