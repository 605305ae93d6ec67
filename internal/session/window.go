package session

import "math/bits"

// A window rejects sequence numbers seen before or too old (IPMI 2.0 §6.12.13).
// The zero value accepts any first number but 0.
//
// The specification allows a step of 15 ahead. Consoles exceed it: ipmitool
// counts the packets of the key exchange, and those of every attempt at it,
// with the same counter. Only authentic packets get here, so any step ahead is
// accepted.
type window struct {
	top  uint32
	seen uint32 // bit i: top-i was seen
}

const windowSize = 32

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

// missing tells how many numbers right below the highest one were not seen, if any was before.
func (w *window) missing() int {
	before := w.seen >> 1
	if before == 0 {
		return 0
	}
	return bits.TrailingZeros32(before)
}

// next is the sequence number after seq; 0 is skipped (IPMI 2.0 §6.12.8).
func next(seq uint32) uint32 {
	if seq++; seq == 0 {
		return 1
	}
	return seq
}
