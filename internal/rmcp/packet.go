package rmcp

import "encoding/binary"

// An AuthType is the first byte of an IPMI session header (§13.6). It selects the framing.
type AuthType byte

// The framings that ShIPMI accepts. It has no IPMI 1.5 sessions.
const (
	AuthNone AuthType = 0x00 // IPMI 1.5 framing, outside a session
	AuthRMCP AuthType = 0x06 // RMCP+ framing
)

// A PayloadType is the type of the payload of an RMCP+ packet (§13.27.3).
type PayloadType byte

// The standard payload types and those that open a session.
const (
	PayloadIPMI         PayloadType = 0x00
	PayloadSOL          PayloadType = 0x01
	PayloadOEM          PayloadType = 0x02
	PayloadOpenRequest  PayloadType = 0x10
	PayloadOpenResponse PayloadType = 0x11
	PayloadRAKP1        PayloadType = 0x12
	PayloadRAKP2        PayloadType = 0x13
	PayloadRAKP3        PayloadType = 0x14
	PayloadRAKP4        PayloadType = 0x15
)

const (
	payloadEncrypted     = 0x80
	payloadAuthenticated = 0x40

	v15HeaderLen     = 10
	sessionHeaderLen = 12 // of RMCP+, without the fields of an OEM payload
)

// A Packet is an IPMI session packet (§13.6). In the IPMI 1.5 framing only AuthType, SessionID, Sequence and Payload are
// set.
type Packet struct {
	AuthType      AuthType
	Type          PayloadType
	Encrypted     bool
	Authenticated bool
	SessionID     uint32 // session ID of the receiver; 0 outside a session
	Sequence      uint32 // session sequence number; 0 outside a session
	Payload       []byte // with the initialization vector and the pad if Encrypted

	raw  []byte // the packet from AuthType to its end
	rest []byte // the bytes after Payload
}

// ParsePacket reads the part of a datagram after an RMCP header of class IPMI. Payload is a slice of b. The error is
// ErrMalformed for an OEM payload, and for an IPMI 1.5 packet with an authentication code, which would belong to an IPMI
// 1.5 session.
func ParsePacket(b []byte) (Packet, error) {
	if len(b) < v15HeaderLen {
		return Packet{}, wrongLength("session header", len(b), v15HeaderLen)
	}
	switch AuthType(b[0]) {
	case AuthNone:
		return parseV15(b)
	case AuthRMCP:
		return parseRMCPPlus(b)
	default:
		return Packet{}, invalid("authentication type", b[0])
	}
}

// parseV15 accepts bytes after the payload, because some clients append the legacy pad byte of IPMI 1.5 (§13.6).
func parseV15(b []byte) (Packet, error) {
	end := v15HeaderLen + int(b[9])
	if len(b) < end {
		return Packet{}, wrongLength("IPMI 1.5 packet", len(b), end)
	}
	return Packet{
		AuthType:  AuthNone,
		Sequence:  binary.LittleEndian.Uint32(b[1:]),
		SessionID: binary.LittleEndian.Uint32(b[5:]),
		Payload:   b[v15HeaderLen:end],
		raw:       b,
		rest:      b[end:],
	}, nil
}

func parseRMCPPlus(b []byte) (Packet, error) {
	if len(b) < sessionHeaderLen {
		return Packet{}, wrongLength("RMCP+ session header", len(b), sessionHeaderLen)
	}
	kind := PayloadType(b[1] &^ (payloadEncrypted | payloadAuthenticated))
	if kind == PayloadOEM {
		return Packet{}, invalid("payload type", b[1])
	}
	end := sessionHeaderLen + int(binary.LittleEndian.Uint16(b[10:]))
	if len(b) < end {
		return Packet{}, wrongLength("RMCP+ packet", len(b), end)
	}
	return Packet{
		AuthType:      AuthRMCP,
		Type:          kind,
		Encrypted:     b[1]&payloadEncrypted != 0,
		Authenticated: b[1]&payloadAuthenticated != 0,
		SessionID:     binary.LittleEndian.Uint32(b[2:]),
		Sequence:      binary.LittleEndian.Uint32(b[6:]),
		Payload:       b[sessionHeaderLen:end],
		raw:           b,
		rest:          b[end:],
	}, nil
}

// Bare reports whether the packet has the form that a packet outside a session must have: session ID and sequence number
// are 0, it is neither encrypted nor authenticated, and in RMCP+ framing it ends with the payload.
func (p Packet) Bare() bool {
	return p.SessionID == 0 && p.Sequence == 0 && !p.Encrypted && !p.Authenticated &&
		(p.AuthType == AuthNone || len(p.rest) == 0)
}

// AppendPacket appends a datagram in RMCP+ framing outside a session. The payload is an IPMI message or a message that
// opens a session, of at most 65,535 bytes.
func AppendPacket(b []byte, kind PayloadType, payload []byte) []byte {
	b = appendSessionHeader(b, byte(kind), 0, 0, len(payload))
	return append(b, payload...)
}

// AppendV15Packet appends a datagram in IPMI 1.5 framing outside a session. The payload is an IPMI message of at most 255
// bytes.
func AppendV15Packet(b, payload []byte) []byte {
	b = appendHeader(b, ClassIPMI)
	b = append(b, byte(AuthNone), 0, 0, 0, 0, 0, 0, 0, 0, byte(len(payload)))
	return append(b, payload...)
}

// AppendSealedHeader appends the RMCP header and the session header of an authenticated and encrypted packet (§13.6). The
// length is that of the payload field in bytes, with initialization vector and pad. The caller appends the payload field,
// then the trailer with [AppendTrailer], then the authentication code.
func AppendSealedHeader(b []byte, kind PayloadType, sessionID, sequence uint32, length int) []byte {
	return appendSessionHeader(b, byte(kind)|payloadEncrypted|payloadAuthenticated, sessionID, sequence, length)
}

func appendSessionHeader(b []byte, kind byte, sessionID, sequence uint32, length int) []byte {
	b = appendHeader(b, ClassIPMI)
	b = append(b, byte(AuthRMCP), kind)
	b = binary.LittleEndian.AppendUint32(b, sessionID)
	b = binary.LittleEndian.AppendUint32(b, sequence)
	return binary.LittleEndian.AppendUint16(b, uint16(length))
}
