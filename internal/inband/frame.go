package inband

import (
	"errors"
	"fmt"
	"slices"
)

// Values that the protocol sets.
const (
	endOfMessage = 0xA0
	endOfCommand = 0xA1
	escape       = 0xAA
	escaped      = 0x10 // the bit that is set in a byte behind escape

	// maxMessage is the longest message of QEMU, with sequence number and checksum, in bytes.
	maxMessage = 300 + 2
	// MaxFrame is the longest frame of QEMU in bytes: all of its message is escaped.
	MaxFrame = 2*maxMessage + 1
)

// ErrMalformed is the error of a frame that must be dropped.
var ErrMalformed = errors.New("malformed frame")

// A Frame is what the other side has sent.
type Frame struct {
	Command bool   // it is a command of the protocol, not a message of IPMI
	Body    []byte // without escapes, and without the byte that ends the frame
}

// Cut reads the first frame of b. It also returns the number of bytes that the frame has in b;
// 0: the frame is not complete. The error is ErrMalformed for a wrong escape, and for a frame
// that is longer than MaxFrame. Such a frame has a length, too: the next frame begins behind
// it.
func Cut(b []byte) (Frame, int, error) {
	end := slices.IndexFunc(b, endsFrame)
	switch {
	case end < 0:
		return Frame{}, 0, nil
	case end >= MaxFrame:
		return Frame{}, end + 1, fmt.Errorf("%w: %d bytes, want %d at most", ErrMalformed, end+1, MaxFrame)
	}
	f := Frame{Command: b[end] == endOfCommand, Body: make([]byte, 0, end)}
	for i := 0; i < end; i++ {
		v := b[i]
		if v == escape {
			i++ // the end of the frame is no special byte with bit 4 set, so there is one more
			v = b[i] &^ escaped
			if b[i]&escaped == 0 || !special(v) {
				return Frame{}, end + 1, fmt.Errorf("%w: %#02x is escaped", ErrMalformed, b[i])
			}
		}
		f.Body = append(f.Body, v)
	}
	return f, end + 1, nil
}

func endsFrame(v byte) bool { return v == endOfMessage || v == endOfCommand }

// special reports whether a byte is escaped within a frame.
func special(v byte) bool { return endsFrame(v) || v == escape }

// appendEscaped appends bytes of a frame.
func appendEscaped(b []byte, body ...byte) []byte {
	for _, v := range body {
		if special(v) {
			b = append(b, escape, v|escaped)
		} else {
			b = append(b, v)
		}
	}
	return b
}
