package console

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The storage begins with the two counters that change without a save, and goes on with
// the two rings.
const (
	countersLen = 4096
	ringLen     = 64 << 10

	// StorageLen is the length in bytes of the storage of a [Line].
	StorageLen = countersLen + 2*ringLen

	// The bytes after the output are zeros. Output that was read into them and not
	// reported to Printed, because the process was killed, is found there by the next
	// process. It loses NULs at the end of that output.
	readLen = 4096

	// outputLen is how much output the ring keeps.
	outputLen = ringLen - readLen
)

// An outputRing holds the latest output. Positions count from the first byte that was ever
// printed.
type outputRing struct {
	counter []byte // 8 bytes: the position after the latest output
	b       []byte
}

func (r outputRing) end() uint64 { return binary.LittleEndian.Uint64(r.counter) }

// start returns the position of the oldest output that is kept.
func (r outputRing) start() uint64 { return before(r.end(), outputLen) }

// room returns the zeros after the output, up to the end of the ring.
func (r outputRing) room() []byte {
	at := int(r.end() % ringLen)
	return r.b[at:min(at+readLen, ringLen)]
}

// grow adds the first n bytes of room to the output. The zeros are there before the
// counter moves, so that room can be searched after a kill at any point.
func (r outputRing) grow(n int) {
	for at := r.end() + readLen; n > 0; {
		part := r.b[at%ringLen:]
		part = part[:min(n, len(part))]
		clear(part)
		at, n = at+uint64(len(part)), n-len(part)
		binary.LittleEndian.PutUint64(r.counter, at-readLen)
	}
}

// recover adds output that was read into room before the process was killed.
func (r outputRing) recover() { r.grow(len(bytes.TrimRight(r.room(), "\x00"))) }

func (r outputRing) write(text []byte) {
	for len(text) > 0 {
		n := copy(r.room(), text)
		r.grow(n)
		text = text[n:]
	}
}

// span returns the output between two positions, in two parts because the ring wraps.
func (r outputRing) span(from, to uint64) [2][]byte {
	n, at := int(to-from), int(from%ringLen)
	first := min(n, ringLen-at)
	return [2][]byte{r.b[at : at+first], r.b[:n-first]}
}

// lineStart returns the position after the first newline between two positions, or from if
// there is none.
func (r outputRing) lineStart(from, to uint64) uint64 {
	parts := r.span(from, to)
	if i := bytes.IndexByte(slices.Concat(parts[0], parts[1]), '\n'); i >= 0 {
		return from + uint64(i) + 1
	}
	return from
}

// atLineStart reports whether the output ends with a newline or there is none.
func (r outputRing) atLineStart() bool {
	end := r.end()
	return end == 0 || r.b[(end-1)%ringLen] == '\n'
}

// An inputRing holds what was accepted from the client and is to be typed. Its end is part
// of the saved state, because characters are accepted only when their packet number is on
// disk. Its start is in the storage.
type inputRing struct {
	counter []byte // 8 bytes: the position of the first character that is not typed
	b       []byte
	end     uint64
}

func (r *inputRing) start() uint64     { return binary.LittleEndian.Uint64(r.counter) }
func (r *inputRing) setStart(p uint64) { binary.LittleEndian.PutUint64(r.counter, p) }
func (r *inputRing) room() int         { return ringLen - int(r.end-r.start()) }

// write adds characters. They must fit.
func (r *inputRing) write(b []byte) {
	for len(b) > 0 {
		n := copy(r.b[r.end%ringLen:], b)
		r.end += uint64(n)
		b = b[n:]
	}
}

// take returns at most limit characters and counts them as typed.
func (r *inputRing) take(limit int) []byte {
	start := r.start()
	at := int(start % ringLen)
	n := min(limit, int(r.end-start), ringLen-at)
	r.setStart(start + uint64(n))
	return r.b[at : at+n]
}

// divide returns the rings of a storage.
func divide(storage []byte) (outputRing, inputRing) {
	return outputRing{counter: storage[:8], b: storage[countersLen:][:ringLen]},
		inputRing{counter: storage[8:16], b: storage[countersLen+ringLen:][:ringLen]}
}

// before returns p-n, or 0 if that is negative.
func before(p, n uint64) uint64 { return p - min(p, n) }
