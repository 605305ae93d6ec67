package rmcp

// The session trailer of an authenticated packet (IPMI 2.0 §13.28.4): pad
// bytes, their number, the next header, and the authentication code.
const (
	integrityPad = 0xFF
	nextHeader   = 0x07
)

// Trailer splits an authenticated packet into what the authentication code
// covers, from the authentication type to the next header, and the code, whose
// length in bytes follows from the integrity algorithm.
func (p Packet) Trailer(codeLen int) (covered, code []byte, err error) {
	pad := integrityPadLen(len(p.Payload))
	if len(p.rest) != pad+2+codeLen {
		return nil, nil, short("session trailer", len(p.rest), pad+2+codeLen)
	}
	for _, b := range p.rest[:pad] {
		if b != integrityPad {
			return nil, nil, bad("integrity pad", b)
		}
	}
	if p.rest[pad] != byte(pad) {
		return nil, nil, bad("integrity pad length", p.rest[pad])
	}
	if p.rest[pad+1] != nextHeader {
		return nil, nil, bad("next header", p.rest[pad+1])
	}
	end := len(p.raw) - codeLen
	return p.raw[:end], p.raw[end:], nil
}

// AppendTrailer appends the session trailer up to and with the next header,
// for a payload field of the given length. The authentication code must
// follow; it covers what [Covered] returns.
func AppendTrailer(b []byte, payloadLen int) []byte {
	pad := integrityPadLen(payloadLen)
	for range pad {
		b = append(b, integrityPad)
	}
	return append(b, byte(pad), nextHeader)
}

// integrityPadLen makes header, payload, pad, pad length and next header a
// multiple of four bytes.
func integrityPadLen(payloadLen int) int {
	return -(sessionHeaderLen + payloadLen + 2) & 3
}

// Covered returns what the authentication code of a datagram covers, given all
// that precedes the code.
func Covered(datagram []byte) []byte { return datagram[headerLen:] }
