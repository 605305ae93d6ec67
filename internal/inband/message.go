package inband

import "fmt"

const (
	requestLen   = 4 // sequence number, network function and LUN, command, checksum
	responseFlag = 1 // of a network function
	lunMask      = 0x03
)

// A Request is a request of the guest.
type Request struct {
	Sequence byte // QEMU counts its requests with it; the response has the same
	NetFn    byte // network function (§5.1), 0 to 63
	LUN      byte // 0 to 3
	Cmd      byte
	Data     []byte
}

// ParseRequest reads the body of a frame that is a message. Data is a slice of it. The error is
// ErrMalformed for a wrong checksum, and for a message that is too short.
func ParseRequest(body []byte) (Request, error) {
	if len(body) < requestLen {
		return Request{}, fmt.Errorf("%w: message of %d bytes, want %d", ErrMalformed, len(body), requestLen)
	}
	if sum := sum(body); sum != 0 {
		return Request{}, fmt.Errorf("%w: the sum of the message is %#02x, want 0", ErrMalformed, sum)
	}
	return Request{
		Sequence: body[0],
		NetFn:    body[1] >> 2,
		LUN:      body[1] & lunMask,
		Cmd:      body[2],
		Data:     body[3 : len(body)-1],
	}, nil
}

// AppendResponse appends the frame of the response to r: a completion code (§5.2) and data.
func (r Request) AppendResponse(b []byte, code byte, data []byte) []byte {
	head := []byte{r.Sequence, (r.NetFn|responseFlag)<<2 | r.LUN, r.Cmd, code}
	b = appendEscaped(b, head...)
	b = appendEscaped(b, data...)
	b = appendEscaped(b, -(sum(head) + sum(data)))
	return append(b, endOfMessage)
}

// sum is 0 for a message with its checksum.
func sum(b []byte) (s byte) {
	for _, v := range b {
		s += v
	}
	return s
}
