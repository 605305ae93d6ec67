package rmcp

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error of this package. A BMC drops such a datagram without a response.
var ErrMalformed = errors.New("malformed")

func wrongLength(message string, got, want int) error {
	return fmt.Errorf("%s has %d bytes, want %d: %w", message, got, want, ErrMalformed)
}

func invalid(field string, value byte) error {
	return fmt.Errorf("%s is %#02x: %w", field, value, ErrMalformed)
}

// A Class is the class of the message after the RMCP header (§13.1.3).
type Class byte

// The classes that a BMC answers.
const (
	ClassASF  Class = 0x06
	ClassIPMI Class = 0x07
)

// Version is the RMCP version, the first byte of every datagram (§13.1.3).
const Version = 0x06

const (
	headerLen   = 4
	noSequence  = 0xFF // the sender wants no RMCP acknowledge; always so for IPMI messages
	acknowledge = 0x80 // bit of the class byte
)

// ParseHeader reads the RMCP header (§13.1.3) and returns the class and the rest of the datagram. The error is ErrMalformed
// for another version and for an RMCP acknowledge.
func ParseHeader(b []byte) (Class, []byte, error) {
	if len(b) < headerLen {
		return 0, nil, wrongLength("RMCP header", len(b), headerLen)
	}
	if b[0] != Version {
		return 0, nil, invalid("RMCP version", b[0])
	}
	if b[3]&acknowledge != 0 {
		return 0, nil, invalid("class byte of an RMCP acknowledge", b[3])
	}
	return Class(b[3] & 0x1F), b[headerLen:], nil
}

func appendHeader(b []byte, c Class) []byte {
	return append(b, Version, 0, noSequence, byte(c))
}
