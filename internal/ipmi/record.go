package ipmi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// A Record is one of the event log (§32) or of the SDR repository (§43). Its
// first two bytes are its record ID.
type Record []byte

// Record IDs that name a record by its place.
const (
	firstRecord = 0x0000
	lastRecord  = 0xFFFF
)

func (r Record) id() uint16 { return binary.LittleEndian.Uint16(r) }

// MarshalText implements encoding.TextMarshaler.
func (r Record) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, r), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Only records of the event
// log are kept as text.
func (r *Record) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil || len(b) != selRecordLen {
		return fmt.Errorf("event log: %q: want %d bytes in hex", text, selRecordLen)
	}
	*r = b
	return nil
}

// find is the index of the record that an ID names, or -1.
func find(all []Record, id uint16) int {
	switch id {
	case firstRecord:
		return min(0, len(all)-1)
	case lastRecord:
		return len(all) - 1
	}
	return slices.IndexFunc(all, func(r Record) bool { return r.id() == id })
}

// A reservation tells a console that no record has changed since it took it
// (§31.4, §33.11). Only the one that was taken last is good. It ends with the
// process, as with a reset of the BMC.
type reservation struct {
	id   uint16 // never 0 once there was one
	good bool
}

// take begins a reservation. Where a process begins to count depends on the
// time, so that it does not take a reservation of an earlier process for its own.
func (r *reservation) take(now time.Duration) Answer {
	if r.id == 0 {
		r.id = uint16(now / time.Millisecond)
	}
	r.id, r.good = r.id%0xFFFF+1, true
	return done(binary.LittleEndian.AppendUint16(nil, r.id)...)
}

// holds tells whether a request that begins with a reservation ID may be done.
func (r reservation) holds(data []byte) bool {
	return r.good && r.id == binary.LittleEndian.Uint16(data)
}

const wholeRecord = 0xFF // as the number of bytes to read: all that follow

// readRecord is Get SEL Entry and Get SDR, which have one form: reservation ID,
// record ID, offset and number of bytes. Nobody needs a reservation to begin
// with a record.
func readRecord(all []Record, reserved reservation, data []byte) Answer {
	i, offset, count := find(all, binary.LittleEndian.Uint16(data[2:])), int(data[4]), int(data[5])
	switch {
	case offset != 0 && !reserved.holds(data):
		return reply(ReservationCanceled)
	case i < 0:
		return reply(NotPresent)
	case offset >= len(all[i]):
		return reply(OutOfRange)
	}
	rest := all[i][offset:]
	if count == wholeRecord {
		count = len(rest)
	}
	if count > len(rest) {
		return reply(CannotReturn)
	}
	next := uint16(lastRecord)
	if i+1 < len(all) {
		next = all[i+1].id()
	}
	return done(append(binary.LittleEndian.AppendUint16(nil, next), rest[:count]...)...)
}
