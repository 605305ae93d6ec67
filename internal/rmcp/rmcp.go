package rmcp

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error of this package.
var ErrMalformed = errors.New("malformed")

func short(what string, got, want int) error {
	return fmt.Errorf("%s: %d bytes, want %d: %w", what, got, want, ErrMalformed)
}

func bad(what string, value byte) error {
	return fmt.Errorf("%s %#02x: %w", what, value, ErrMalformed)
}

// A Class tells what follows the RMCP header (IPMI 2.0 §13.1.3).
type Class byte

// The classes that a BMC answers.
const (
	ClassASF  Class = 0x06
	ClassIPMI Class = 0x07
)

// Version is the RMCP version, the first byte of every message (IPMI 2.0 §13.1.3).
const Version = 0x06

const (
	headerLen   = 4
	noSequence  = 0xFF // no RMCP acknowledge wanted: the rule for IPMI messages
	acknowledge = 0x80
)

// ParseHeader reads the RMCP header (IPMI 2.0 §13.1.3) and returns the class
// and what follows. An RMCP acknowledge is no message and is refused.
func ParseHeader(b []byte) (Class, []byte, error) {
	if len(b) < headerLen {
		return 0, nil, short("RMCP header", len(b), headerLen)
	}
	if b[0] != Version {
		return 0, nil, bad("RMCP version", b[0])
	}
	if b[3]&acknowledge != 0 {
		return 0, nil, bad("RMCP acknowledge of class", b[3])
	}
	return Class(b[3] & 0x1F), b[headerLen:], nil
}

func appendHeader(b []byte, c Class) []byte {
	return append(b, Version, 0, noSequence, byte(c))
}
