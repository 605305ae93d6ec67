package rmcp

// The session trailer of an authenticated packet (§13.28.4) has pad bytes, their number, the next header, and the
// authentication code.
const (
	integrityPad = 0xFF
	nextHeader   = 0x07
)

// Trailer checks the form of the session trailer. It returns the bytes that the authentication code covers, from the
// authentication type to the next header, and the code of codeLen bytes. Both are slices of the datagram. The integrity
// algorithm sets codeLen: 12 for HMAC-SHA1-96, 16 for HMAC-SHA256-128. The error is ErrMalformed.
func (p Packet) Trailer(codeLen int) (covered, code []byte, err error) {
	pad := integrityPadLen(len(p.Payload))
	if len(p.rest) != pad+2+codeLen {
		return nil, nil, wrongLength("session trailer", len(p.rest), pad+2+codeLen)
	}
	for _, b := range p.rest[:pad] {
		if b != integrityPad {
			return nil, nil, invalid("integrity pad", b)
		}
	}
	if p.rest[pad] != byte(pad) {
		return nil, nil, invalid("integrity pad length", p.rest[pad])
	}
	if p.rest[pad+1] != nextHeader {
		return nil, nil, invalid("next header", p.rest[pad+1])
	}
	end := len(p.raw) - codeLen
	return p.raw[:end], p.raw[end:], nil
}

// AppendTrailer appends the session trailer without the authentication code, for a payload field of payloadLen bytes. The
// caller appends the code of the bytes that [Covered] returns.
func AppendTrailer(b []byte, payloadLen int) []byte {
	pad := integrityPadLen(payloadLen)
	for range pad {
		b = append(b, integrityPad)
	}
	return append(b, byte(pad), nextHeader)
}

// integrityPadLen returns the number of pad bytes. With them, header, payload, pad, pad length and next header together are
// a multiple of four bytes.
func integrityPadLen(payloadLen int) int {
	return -(sessionHeaderLen + payloadLen + 2) & 3
}

// Covered returns the part that the authentication code covers of a datagram without its code.
func Covered(datagram []byte) []byte { return datagram[headerLen:] }
