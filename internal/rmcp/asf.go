package rmcp

import "encoding/binary"

// ASF is big-endian, unlike all of IPMI.
const (
	asfEnterprise = 4542 // the ASF working group's IANA enterprise number
	asfPing       = 0x80
	asfPong       = 0x40
	asfHeaderLen  = 8
	pongDataLen   = 16

	entityIPMI  = 0x80 // supported entities [7]: IPMI
	entityASF10 = 0x01 // supported entities [3:0]: ASF 1.0
)

// A Ping is an ASF Presence Ping (IPMI 2.0 §13.2.3).
type Ping struct {
	Tag byte // 0xFF wants no answer
}

// ParsePing reads what follows the RMCP header of class ASF. Other ASF
// messages are ErrMalformed: a BMC answers none of them.
func ParsePing(b []byte) (Ping, error) {
	if len(b) < asfHeaderLen {
		return Ping{}, short("ASF message", len(b), asfHeaderLen)
	}
	if binary.BigEndian.Uint32(b) != asfEnterprise {
		return Ping{}, bad("ASF enterprise number ends in", b[3])
	}
	if b[4] != asfPing {
		return Ping{}, bad("ASF message type", b[4])
	}
	if end := asfHeaderLen + int(b[7]); len(b) < end {
		return Ping{}, short("ASF data", len(b), end)
	}
	return Ping{Tag: b[5]}, nil
}

// AppendPong appends the datagram that answers p (IPMI 2.0 §13.2.4).
func (p Ping) AppendPong(b []byte) []byte {
	b = appendHeader(b, ClassASF)
	b = binary.BigEndian.AppendUint32(b, asfEnterprise)
	b = append(b, asfPong, p.Tag, 0, pongDataLen)
	b = binary.BigEndian.AppendUint32(b, asfEnterprise) // no OEM features
	b = append(b, 0, 0, 0, 0)
	b = append(b, entityIPMI|entityASF10, 0)
	return append(b, 0, 0, 0, 0, 0, 0)
}
