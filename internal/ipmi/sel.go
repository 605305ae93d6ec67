package ipmi

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// A SEL is the system event log (§31). Its records are numbered on until it is
// cleared. When it is full, the oldest gives way to a new one.
type SEL struct {
	Records  []Record `json:"records,omitempty"` // oldest first
	Last     uint16   `json:"last,omitempty"`    // record ID that was given last
	Overflow bool     `json:"overflow,omitempty"`
	// Times are in seconds since 1970 by the clock of the log; 0: never.
	Added  uint32 `json:"added,omitempty"`
	Erased uint32 `json:"erased,omitempty"`
	// Ahead is how far the clock of the log is ahead of that of the host, in
	// seconds.
	Ahead     int64 `json:"ahead,omitempty"`
	UTCOffset int16 `json:"utc_offset,omitempty"` // in minutes, as it was set

	reserved reservation
}

const (
	selRecordLen    = 16
	selCapacity     = 256 // a console reads them one by one, and should do so in a second
	selLastID       = 0xFFFE
	recordTimed     = 0xC0 // and above: of OEMs, with a time
	recordUntimed   = 0xE0 // and above: without
	recordTimeStart = 3
)

// time is what the clock of the log shows.
func (l *SEL) time(at time.Time) uint32 { return uint32(at.Unix() + l.Ahead) }

// add gives a record its ID and time and puts it at the end of the log.
func (l *SEL) add(r Record, at time.Time) {
	kept := l.Records[max(0, len(l.Records)-selCapacity+1):]
	for taken := true; taken; taken = find(kept, l.Last) >= 0 {
		l.Last = l.Last%selLastID + 1
	}
	binary.LittleEndian.PutUint16(r, l.Last)
	l.Added = l.time(at)
	if r[2] < recordUntimed {
		binary.LittleEndian.PutUint32(r[recordTimeStart:], l.Added)
	}
	l.Overflow = l.Overflow || len(kept) < len(l.Records)
	l.Records = append(kept, r)
	l.reserved.good = false
}

// What can be done with the log: delete an entry, reserve it, ask for its
// allocation.
const (
	selOperations = 0x0B
	selOverflow   = 0x80
)

func getSELInfo(b *BMC, _ *Request) Answer {
	l := &b.State.SEL
	operations := byte(selOperations)
	if l.Overflow {
		operations |= selOverflow
	}
	info := binary.LittleEndian.AppendUint16([]byte{0x51}, uint16(len(l.Records)))
	info = binary.LittleEndian.AppendUint16(info, l.free()*selRecordLen)
	for _, t := range []uint32{l.Added, l.Erased} {
		if t == 0 {
			t = unspecifiedTime
		}
		info = binary.LittleEndian.AppendUint32(info, t)
	}
	return done(append(info, operations)...)
}

// free is how many records have room.
func (l *SEL) free() uint16 { return uint16(max(0, selCapacity-len(l.Records))) }

func getSELAllocationInfo(b *BMC, _ *Request) Answer {
	var info []byte
	free := b.State.SEL.free()
	for _, v := range []uint16{selCapacity, selRecordLen, free, free} {
		info = binary.LittleEndian.AppendUint16(info, v)
	}
	return done(append(info, 1)...) // unit is the longest record
}

// reserveSEL changes nothing that outlasts the process.
func reserveSEL(b *BMC, r *Request) Answer { return b.State.SEL.reserved.take(r.Now) }

func getSELEntry(b *BMC, r *Request) Answer {
	return readRecord(b.State.SEL.Records, b.State.SEL.reserved, r.Data)
}

// addSELEntry gives the record an ID, and a time if its type has one, whatever
// the console put there.
func addSELEntry(b *BMC, r *Request) Answer {
	if kind := r.Data[2]; kind != recordEvent && kind < recordTimed {
		return reply(recordTypeUnsupported)
	}
	return b.change(r, func(s *State) []byte {
		s.SEL.add(slices.Clone(r.Data), r.Time)
		return binary.LittleEndian.AppendUint16(nil, s.SEL.Last)
	})
}

// deleteSELEntry leaves the IDs of the others as they are, and so does not end
// the reservation: consoles delete several entries with one.
func deleteSELEntry(b *BMC, r *Request) Answer {
	l := &b.State.SEL
	i := find(l.Records, binary.LittleEndian.Uint16(r.Data[2:]))
	switch {
	case !l.reserved.holds(r.Data):
		return reply(ReservationCanceled)
	case i < 0:
		return reply(NotPresent)
	}
	id := l.Records[i].id()
	return b.change(r, func(s *State) []byte {
		s.SEL.Records = slices.Delete(slices.Clone(l.Records), i, i+1)
		s.SEL.Erased = l.time(r.Time)
		return binary.LittleEndian.AppendUint16(nil, id)
	})
}

// The request of Clear SEL, after the reservation ID.
const (
	clearKey    = "CLR"
	clearStart  = 0xAA
	clearStatus = 0x00
	clearDone   = 0x01
)

// clearSEL leaves an event that tells of it. Whether it is done may be asked
// without the reservation, which it has ended.
func clearSEL(b *BMC, r *Request) Answer {
	action := r.Data[5]
	switch {
	case !bytes.Equal(r.Data[2:5], []byte(clearKey)) || action != clearStart && action != clearStatus:
		return reply(InvalidField)
	case action == clearStatus:
		return done(clearDone)
	case !b.State.SEL.reserved.holds(r.Data):
		return reply(ReservationCanceled)
	}
	return b.change(r, func(s *State) []byte {
		l := &s.SEL
		*l = SEL{Erased: l.time(r.Time), Ahead: l.Ahead, UTCOffset: l.UTCOffset, reserved: l.reserved}
		l.add(eventLogCleared.record(), r.Time)
		return []byte{clearDone}
	})
}

func getSELTime(b *BMC, r *Request) Answer {
	return done(binary.LittleEndian.AppendUint32(nil, b.State.SEL.time(r.Time))...)
}

// setSELTime does not set the clock of the host: what differs is kept.
func setSELTime(b *BMC, r *Request) Answer {
	ahead := int64(binary.LittleEndian.Uint32(r.Data)) - r.Time.Unix()
	return b.change(r, func(s *State) []byte {
		s.SEL.Ahead = ahead
		return nil
	})
}

// UTC offsets, in minutes (§31.11a).
const (
	offsetLimit       = 1440
	offsetUnspecified = 0x07FF
)

// getSELTimeUTCOffset is 0 in a new BMC: hosts count in UTC.
func getSELTimeUTCOffset(b *BMC, _ *Request) Answer {
	return done(binary.LittleEndian.AppendUint16(nil, uint16(b.State.SEL.UTCOffset))...)
}

// setSELTimeUTCOffset is for consoles to tell each other: it moves no clock.
func setSELTimeUTCOffset(b *BMC, r *Request) Answer {
	offset := int16(binary.LittleEndian.Uint16(r.Data))
	if (offset < -offsetLimit || offset > offsetLimit) && offset != offsetUnspecified {
		return reply(InvalidField)
	}
	return b.change(r, func(s *State) []byte {
		s.SEL.UTCOffset = offset
		return nil
	})
}
