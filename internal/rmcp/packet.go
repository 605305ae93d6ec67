package rmcp

import "encoding/binary"

// An AuthType is the first byte of an IPMI session header (IPMI 2.0 §13.6). It
// selects the framing.
type AuthType byte

// The framings that a BMC without IPMI 1.5 sessions understands.
const (
	AuthNone AuthType = 0x00 // IPMI 1.5 framing, outside a session
	AuthRMCP AuthType = 0x06 // RMCP+ framing
)

// A PayloadType says what an RMCP+ packet carries (IPMI 2.0 §13.27.3).
type PayloadType byte

// The standard and the session setup payload types.
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
	sessionHeaderLen = 12 // of RMCP+, without an OEM payload's fields
)

// A Packet is an IPMI session packet (IPMI 2.0 §13.6). In the IPMI 1.5 framing
// only AuthType, SessionID, Sequence and Payload have a meaning.
type Packet struct {
	AuthType      AuthType
	Type          PayloadType
	Encrypted     bool
	Authenticated bool
	SessionID     uint32 // the receiver's session ID; 0 outside a session
	Sequence      uint32 // 0 outside a session
	Payload       []byte // as sent: with IV and padding when Encrypted

	raw  []byte // the whole packet from AuthType on
	rest []byte // what follows Payload
}

// ParsePacket reads what follows the RMCP header of class IPMI. An IPMI 1.5
// packet with an authentication code belongs to a session of that version,
// which no BMC here offers: it is ErrMalformed, and so is an OEM payload.
func ParsePacket(b []byte) (Packet, error) {
	if len(b) < v15HeaderLen {
		return Packet{}, short("session header", len(b), v15HeaderLen)
	}
	switch AuthType(b[0]) {
	case AuthNone:
		return parseV15(b)
	case AuthRMCP:
		return parseRMCPPlus(b)
	default:
		return Packet{}, bad("authentication type", b[0])
	}
}

// parseV15 tolerates bytes after the payload: some consoles append the legacy
// pad byte of IPMI 1.5 (§13.6).
func parseV15(b []byte) (Packet, error) {
	end := v15HeaderLen + int(b[9])
	if len(b) < end {
		return Packet{}, short("IPMI 1.5 packet", len(b), end)
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
		return Packet{}, short("RMCP+ session header", len(b), sessionHeaderLen)
	}
	kind := PayloadType(b[1] &^ (payloadEncrypted | payloadAuthenticated))
	if kind == PayloadOEM {
		return Packet{}, bad("payload type", b[1])
	}
	end := sessionHeaderLen + int(binary.LittleEndian.Uint16(b[10:]))
	if len(b) < end {
		return Packet{}, short("RMCP+ packet", len(b), end)
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

// Bare reports whether nothing follows the payload and the packet claims no
// session, as every packet outside a session must.
func (p Packet) Bare() bool {
	return p.SessionID == 0 && p.Sequence == 0 && !p.Encrypted && !p.Authenticated &&
		(p.AuthType == AuthNone || len(p.rest) == 0)
}

// AppendPacket appends an RMCP+ datagram outside a session: a session setup
// message or an IPMI message.
func AppendPacket(b []byte, kind PayloadType, payload []byte) []byte {
	b = appendSessionHeader(b, byte(kind), 0, 0, len(payload))
	return append(b, payload...)
}

// AppendV15Packet appends an IPMI message in IPMI 1.5 framing outside a
// session. Payload is at most 255 bytes.
func AppendV15Packet(b, payload []byte) []byte {
	b = appendHeader(b, ClassIPMI)
	b = append(b, byte(AuthNone), 0, 0, 0, 0, 0, 0, 0, 0, byte(len(payload)))
	return append(b, payload...)
}

// AppendSealedHeader appends the RMCP header and the session header of an
// authenticated and encrypted packet. Payload field and session trailer must
// follow; length is that of the payload field.
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
