package ipmi

import (
	"bytes"
	"encoding/binary"

	"github.com/shipmi/shipmi/internal/machine"
)

// eventLog is the event log of the machine as records (§31).
type eventLog []machine.Entry

func (l eventLog) Len() int            { return len(l) }
func (l eventLog) ID(i int) uint16     { return l[i].ID }
func (l eventLog) Record(i int) Record { return SELRecord(l[i]) }

const selRecordLen = 16

// eventLog is the event log as records.
func (b *BMC) eventLog() eventLog { return b.Machine.State.Events.Entries }

// selReserved reports whether a request that begins with a reservation ID has a
// reservation of the event log. Every new entry cancels it.
func (b *BMC) selReserved(r *Request) bool {
	return b.Reservations.SEL.holds(b.Machine.State.Events.Additions, r.Data)
}

// The operations of the log: delete an entry, reserve it, ask for its allocation.
const (
	selOperations = 0x0B
	selOverflow   = 0x80
)

func getSELInfo(b *BMC, _ *Request) Answer {
	l := &b.Machine.State.Events
	operations := byte(selOperations)
	if l.Overflow {
		operations |= selOverflow
	}
	info := binary.LittleEndian.AppendUint16([]byte{0x51}, uint16(len(l.Entries)))
	info = binary.LittleEndian.AppendUint16(info, uint16(l.Free()*selRecordLen))
	for _, t := range []uint32{l.Added, l.Erased} {
		if t == 0 {
			t = unspecifiedTime
		}
		info = binary.LittleEndian.AppendUint32(info, t)
	}
	return done(append(info, operations)...)
}

func getSELAllocationInfo(b *BMC, _ *Request) Answer {
	var info []byte
	free := uint16(b.Machine.State.Events.Free())
	for _, v := range []uint16{machine.MaxEvents, selRecordLen, free, free} {
		info = binary.LittleEndian.AppendUint16(info, v)
	}
	return done(append(info, 1)...) // unit is the longest record
}

func reserveSEL(b *BMC, r *Request) Answer {
	return b.reserve(&b.Reservations.SEL, b.Machine.State.Events.Additions, r.Now.Uptime)
}

func getSELEntry(b *BMC, r *Request) Answer {
	return readRecord(b.eventLog(), b.selReserved(r), r.Data)
}

const addSELEntryCmd = 0x44

// addSELEntry gives the record an ID, and a time if its type has one, and ignores what
// the client put there.
func addSELEntry(b *BMC, r *Request) Answer {
	if kind := r.Data[2]; kind != recordEvent && kind < recordTimed {
		return reply(recordTypeUnsupported)
	}
	id := b.Machine.AddRecord(r.Data, r.Now)
	return stored(binary.LittleEndian.AppendUint16(nil, id)...)
}

const (
	platformEventCmd = 0x02
	channelShift     = 4 // in the second byte of a generator ID
)

// platformEvent logs an event that a client reports (§29.3). The client is the
// generator: its software ID, and the channel and LUN from which the request came.
func platformEvent(b *BMC, r *Request) Answer {
	return b.logPlatformEvent(r, [2]byte{r.RqAddr, lanChannel<<channelShift | r.RqLUN}, r.Data)
}

func (b *BMC) logPlatformEvent(r *Request, generator [2]byte, event []byte) Answer {
	record := append([]byte{0, 0, recordEvent, 0, 0, 0, 0, generator[0], generator[1]}, event...)
	b.Machine.AddRecord(record, r.Now)
	return stored()
}

// deleteSELEntry leaves the IDs of the other entries as they are, and does not cancel
// the reservation: clients delete several entries with one.
func deleteSELEntry(b *BMC, r *Request) Answer {
	l := b.eventLog()
	i := indexOf(l, binary.LittleEndian.Uint16(r.Data[2:]))
	switch {
	case !b.selReserved(r):
		return reply(ReservationCanceled)
	case i < 0:
		return reply(NotPresent)
	}
	id := l.ID(i)
	b.Machine.DeleteEntry(i, r.Now)
	return stored(binary.LittleEndian.AppendUint16(nil, id)...)
}

// The request of Clear SEL, after the reservation ID.
const (
	clearKey    = "CLR"
	clearStart  = 0xAA
	clearStatus = 0x00
	clearDone   = 0x01
)

// clearSEL leaves an event that says that the log was cleared, which cancels the
// reservation. A client needs none to ask whether the log has been cleared.
func clearSEL(b *BMC, r *Request) Answer {
	action := r.Data[5]
	switch {
	case !bytes.Equal(r.Data[2:5], []byte(clearKey)) || action != clearStart && action != clearStatus:
		return reply(InvalidField)
	case action == clearStatus:
		return done(clearDone)
	case !b.selReserved(r):
		return reply(ReservationCanceled)
	}
	b.Machine.ClearEvents(r.Now)
	return stored(clearDone)
}

func getSELTime(b *BMC, r *Request) Answer {
	return done(binary.LittleEndian.AppendUint32(nil, b.Machine.State.Events.Time(r.Now.Clock))...)
}

// setSELTime keeps how far the clock of the log is ahead of the host's clock, which it
// does not set.
func setSELTime(b *BMC, r *Request) Answer {
	ahead := int64(binary.LittleEndian.Uint32(r.Data)) - r.Now.Clock.Unix()
	b.Machine.Update(func(s *machine.State) { s.Events.Ahead = ahead })
	return stored()
}

// UTC offsets, in minutes (§31.11a).
const (
	offsetLimit       = 1440
	offsetUnspecified = 0x07FF
)

// getSELTimeUTCOffset is 0 in a new BMC: the times of the log are in UTC.
func getSELTimeUTCOffset(b *BMC, _ *Request) Answer {
	return done(binary.LittleEndian.AppendUint16(nil, uint16(b.Machine.State.Events.UTCOffset))...)
}

// setSELTimeUTCOffset keeps the offset for other clients. It sets no clock.
func setSELTimeUTCOffset(b *BMC, r *Request) Answer {
	offset := int16(binary.LittleEndian.Uint16(r.Data))
	if (offset < -offsetLimit || offset > offsetLimit) && offset != offsetUnspecified {
		return reply(InvalidField)
	}
	b.Machine.Update(func(s *machine.State) { s.Events.UTCOffset = offset })
	return stored()
}
