package rmcp

import "encoding/binary"

// The sizes of a Serial over LAN payload.
const (
	// MaxCharacters is the largest number of characters in a SOL packet, because the
	// packet that accepts them counts them in one byte.
	MaxCharacters = 255

	// LastNumber is the highest packet number. The number after it is 1.
	LastNumber = 15

	solHeaderLen = 4
)

// A SOLFlags is the last byte of the header of a SOL packet (§15.9). Its bits mean one
// thing in a packet from the client and another in a packet from the BMC.
type SOLFlags byte

// The operations that a client asks for.
const (
	SOLFlushOutbound SOLFlags = 1 << 0 // drop the characters that wait for the client
	SOLFlushInbound  SOLFlags = 1 << 1 // drop the characters that wait for the serial port
	SOLDropDCD       SOLFlags = 1 << 2 // deassert DCD and DSR
	SOLPauseCTS      SOLFlags = 1 << 3 // deassert CTS
	SOLBreak         SOLFlags = 1 << 4 // generate a break
	SOLRingWOR       SOLFlags = 1 << 5 // pretend that the modem rings
)

// The states that a BMC reports.
const (
	SOLBreakDetected SOLFlags = 1 << 2 // the serial port has received a break
	SOLOverrun       SOLFlags = 1 << 3 // characters of the serial port were dropped
	SOLDeactivated   SOLFlags = 1 << 4 // the payload has been deactivated
	SOLUnavailable   SOLFlags = 1 << 5 // the serial port takes no characters now
)

// SOLNack means that the sender of the packet has not accepted all characters of the
// packet that it acknowledges.
const SOLNack SOLFlags = 1 << 6

// A SOLNumber numbers a SOL packet: 1 to 15, and 0 for a packet that is not acknowledged.
type SOLNumber byte

// Next returns the number of the packet after packet n.
func (n SOLNumber) Next() SOLNumber { return n%LastNumber + 1 }

// A SOL is a Serial over LAN packet, the payload of type [PayloadSOL] (§15.9, table 15-2).
type SOL struct {
	Number   SOLNumber // 0: the packet only acknowledges
	Acked    SOLNumber // the packet that this one acknowledges; 0: none
	Accepted byte      // how many characters of the packet Acked were accepted
	Flags    SOLFlags
	Data     []byte // at most MaxCharacters
}

// ParseSOL reads a SOL payload. Data is a slice of b. The upper half of both numbers is
// reserved and ignored. The error is ErrMalformed for more than MaxCharacters characters,
// and for characters in a packet without a number, which cannot be acknowledged.
func ParseSOL(b []byte) (SOL, error) {
	if len(b) < solHeaderLen {
		return SOL{}, wrongLength("SOL packet", len(b), solHeaderLen)
	}
	if len(b) > solHeaderLen+MaxCharacters {
		return SOL{}, wrongLength("SOL packet", len(b), solHeaderLen+MaxCharacters)
	}
	p := SOL{
		Number:   SOLNumber(b[0] & 0x0F),
		Acked:    SOLNumber(b[1] & 0x0F),
		Accepted: b[2],
		Flags:    SOLFlags(b[3]),
		Data:     b[solHeaderLen:],
	}
	if p.Number == 0 && len(p.Data) > 0 {
		return SOL{}, wrongLength("SOL packet without a number", len(b), solHeaderLen)
	}
	return p, nil
}

// Append appends the payload to b.
func (p SOL) Append(b []byte) []byte {
	b = append(b, byte(p.Number), byte(p.Acked), p.Accepted, byte(p.Flags))
	return append(b, p.Data...)
}

// AppendSOLActivation appends the data of the response to Activate Payload for SOL
// (§24.1): the payload sizes of both directions in bytes, the UDP port, and no VLAN. Both
// sizes are 255, because FreeIPMI refuses more than 259. A client that counts 255
// characters and 4 bytes of header is understood, too.
func AppendSOLActivation(b []byte, port uint16) []byte {
	const size = 255
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, size)
	b = binary.LittleEndian.AppendUint16(b, size)
	b = binary.LittleEndian.AppendUint16(b, port)
	return append(b, 0xFF, 0xFF)
}

// ParseSOLActivation reads the data of the response to Activate Payload for SOL (§24.1). It
// returns how many characters a packet to the BMC may have at most. BMCs differ in whether
// the payload size counts the header, so the header is subtracted.
func ParseSOLActivation(b []byte) (characters int, err error) {
	const solActivationLen = 12
	if len(b) < solActivationLen {
		return 0, wrongLength("response to Activate Payload", len(b), solActivationLen)
	}
	size := int(binary.LittleEndian.Uint16(b[4:]))
	if size <= solHeaderLen {
		return 0, wrongLength("SOL payload", size, solHeaderLen+1)
	}
	return min(size-solHeaderLen, MaxCharacters), nil
}
