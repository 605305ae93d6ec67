package session

import "math/bits"

// A window rejects sequence numbers that were received before or are too old (§6.12.13). The zero value accepts any first
// number except 0.
//
// The specification allows a number up to 15 ahead of the highest. Clients go further: ipmitool counts the packets of the
// key exchange, and of every attempt at it, with the same counter. Since only authentic packets reach the window, it
// accepts any number ahead.
type window struct {
	top  uint32 // highest number that was received
	seen uint32 // bit i: top-i was received
}

const windowSize = 32

// accept reports whether the sequence number is new, and marks it as received.
func (w *window) accept(seq uint32) bool {
	if seq == 0 {
		return false
	}
	switch ahead := int32(seq - w.top); {
	case w.seen == 0:
		w.top, w.seen = seq, 1
	case ahead > 0:
		w.top, w.seen = seq, w.seen<<uint32(ahead)|1
	case ahead <= -windowSize || w.seen&(1<<-ahead) != 0:
		return false
	default:
		w.seen |= 1 << -ahead
	}
	return true
}

// missing returns how many numbers directly below the highest one were not received. It returns 0 for the first packet of
// a session.
func (w *window) missing() int {
	before := w.seen >> 1
	if before == 0 {
		return 0
	}
	return bits.TrailingZeros32(before)
}

// next returns the sequence number after seq. It skips 0 (§6.12.8).
func next(seq uint32) uint32 {
	if seq++; seq == 0 {
		return 1
	}
	return seq
}
