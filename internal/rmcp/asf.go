package rmcp

import "encoding/binary"

// ASF is big-endian. All of IPMI is little-endian.
const (
	asfEnterprise = 4542 // the ASF working group's IANA enterprise number
	asfPing       = 0x80
	asfPong       = 0x40
	asfHeaderLen  = 8
	pongDataLen   = 16

	entityIPMI  = 0x80 // supported entities [7]: IPMI
	entityASF10 = 0x01 // supported entities [3:0]: ASF 1.0
)

// A Ping is an ASF Presence Ping (§13.2.3).
type Ping struct {
	Tag byte // copied into the pong; NoAnswer if the client wants none
}

// ParsePing reads the part of a datagram after an RMCP header of class ASF. The error is ErrMalformed for every other ASF
// message, because a BMC answers only a ping, and for a length field that is larger than the datagram.
func ParsePing(b []byte) (Ping, error) {
	if len(b) < asfHeaderLen {
		return Ping{}, wrongLength("ASF message", len(b), asfHeaderLen)
	}
	if binary.BigEndian.Uint32(b) != asfEnterprise {
		return Ping{}, invalid("last byte of the ASF enterprise number", b[3])
	}
	if b[4] != asfPing {
		return Ping{}, invalid("ASF message type", b[4])
	}
	if end := asfHeaderLen + int(b[7]); len(b) < end {
		return Ping{}, wrongLength("ASF message", len(b), end)
	}
	return Ping{Tag: b[5]}, nil
}

// AppendPong appends the Presence Pong, a datagram of 28 bytes, that answers p (§13.2.4).
func (p Ping) AppendPong(b []byte) []byte {
	b = appendHeader(b, ClassASF)
	b = binary.BigEndian.AppendUint32(b, asfEnterprise)
	b = append(b, asfPong, p.Tag, 0, pongDataLen)
	b = binary.BigEndian.AppendUint32(b, asfEnterprise) // no OEM features
	b = append(b, 0, 0, 0, 0)
	b = append(b, entityIPMI|entityASF10, 0)
	return append(b, 0, 0, 0, 0, 0, 0)
}
