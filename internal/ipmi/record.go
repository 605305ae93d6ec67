package ipmi

import (
	"encoding/binary"
	"time"
)

// A Record is a record of the event log (§32) or of the SDR repository (§43). Its first
// two bytes are its record ID.
type Record []byte

func (r Record) id() uint16 { return binary.LittleEndian.Uint16(r) }

// records are the event log or the SDR repository, in the order of the records.
type records interface {
	Len() int
	ID(i int) uint16
	Record(i int) Record
}

// Record IDs that name a record by its place.
const (
	firstRecord = 0x0000
	lastRecord  = 0xFFFF
)

// indexOf is the index of the record that an ID names, or -1.
func indexOf(all records, id uint16) int {
	switch id {
	case firstRecord:
		return min(0, all.Len()-1)
	case lastRecord:
		return all.Len() - 1
	}
	for i := range all.Len() {
		if all.ID(i) == id {
			return i
		}
	}
	return -1
}

// Reservations are the reservations that clients hold. They survive the process, so
// that a client can take one, wait, and use it with the next process.
type Reservations struct {
	SEL Reservation `json:"sel"`
	SDR Reservation `json:"sdr"`
}

// A Reservation tells a client that no record has been added since it took the
// reservation (§31.4, §33.11). Only the latest one holds.
type Reservation struct {
	ID uint16 `json:"id"` // never 0 once one was taken
	// Good is set until a reset of the BMC.
	Good bool `json:"good"`
	// Version is what the records were when the reservation was taken.
	Version uint64 `json:"version"`
}

// take begins a reservation. The first ID of a BMC depends on the time, so that no
// client mistakes it for a reservation that was lost.
func (r *Reservation) take(version uint64, uptime time.Duration) {
	if r.ID == 0 {
		r.ID = uint16(uptime / time.Millisecond)
	}
	*r = Reservation{ID: r.ID%0xFFFF + 1, Good: true, Version: version}
}

// reserve takes a reservation for a client and keeps it.
func (b *BMC) reserve(r *Reservation, version uint64, uptime time.Duration) Answer {
	r.take(version, uptime)
	b.KeepReservations(b.Reservations)
	return done(binary.LittleEndian.AppendUint16(nil, r.ID)...)
}

// holds reports whether a request that begins with a reservation ID has a reservation
// for that version of the records.
func (r Reservation) holds(version uint64, data []byte) bool {
	return r.Good && r.Version == version && r.ID == binary.LittleEndian.Uint16(data)
}

const wholeRecord = 0xFF // as the number of bytes to read: to the end of the record

// readRecord handles Get SEL Entry and Get SDR, which have the same form: reservation
// ID, record ID, offset and number of bytes. To read a record from its beginning, no
// reservation is needed.
func readRecord(all records, reserved bool, data []byte) Answer {
	i, offset, count := indexOf(all, binary.LittleEndian.Uint16(data[2:])), int(data[4]), int(data[5])
	switch {
	case offset != 0 && !reserved:
		return reply(ReservationCanceled)
	case i < 0:
		return reply(NotPresent)
	}
	record := all.Record(i)
	if offset >= len(record) {
		return reply(OutOfRange)
	}
	rest := record[offset:]
	if count == wholeRecord {
		count = len(rest)
	}
	if count > len(rest) {
		return reply(CannotReturn)
	}
	next := uint16(lastRecord)
	if i+1 < all.Len() {
		next = all.ID(i + 1)
	}
	return done(append(binary.LittleEndian.AppendUint16(nil, next), rest[:count]...)...)
}
