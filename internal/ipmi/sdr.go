package ipmi

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"reflect"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// The record types of the repository (§43).
const (
	sdrFull      = 0x01
	sdrCompact   = 0x02
	sdrEventOnly = 0x03
	sdrLocator   = 0x12
)

// Parts of records.
const (
	sensorSpecific = 0x6F // event/reading type: the offsets are those of the sensor type
	startEnabled   = 0x03 // a sensor is scanned and logs events from the start
	autoRearm      = 0x40
	globalDisable  = 0x02 // no single event can be disabled
	noNumber       = 0xC0 // the reading is no analog value
	shareOne       = 0x01 // a record describes one sensor
	latin1         = 0xC0 // type of a text, with its length
	firstInstance  = 0x01
	managementName = "ShIPMI BMC"
)

// sdrs are sensor data records.
type sdrs []Record

func (s sdrs) Len() int            { return len(s) }
func (s sdrs) ID(i int) uint16     { return s[i].id() }
func (s sdrs) Record(i int) Record { return s[i] }

// A repository holds the sensor data records of a BMC.
type repository struct {
	sensors provider.Sensors // that the records are of
	records sdrs             // nil: not made yet
	// changed is when the records were last changed, in seconds since 1970. It changes with every
	// record: clients that keep a copy of the records look at nothing else. A change cancels the
	// reservations.
	changed uint32
}

// newRecords are a record of the BMC itself, one of each sensor that every BMC has, and one
// of each that the provider declares.
func newRecords(declared []analog) sdrs {
	all := sdrs{sdr(sdrLocator, managementName,
		deviceID, 0, 0, deviceSupport, 0, 0, 0, entityManagement, firstInstance, 0)}
	for _, s := range sensors {
		all = append(all, s.record())
	}
	for _, a := range declared {
		all = append(all, a.record())
	}
	for i, r := range all {
		binary.LittleEndian.PutUint16(r, uint16(i+1))
	}
	return all
}

// digest is the same for the same records.
func (s sdrs) digest() []byte {
	h := fnv.New64a()
	for _, r := range s {
		h.Write(r)
	}
	return h.Sum(nil)
}

// repositoryTime is when the records of a BMC were last changed whose provider has never had
// sensors: 2026-11-22 12:00 UTC. It must change with every such record.
const repositoryTime = 1795348800

// repositoryNote is the note of the state that says when the records were last changed: four
// bytes, then the digest of the records. A BMC whose provider has never had sensors has none.
const repositoryNote = "ipmi repository"

// withRepository completes an answer with the records as the provider now declares its
// sensors.
func (b *BMC) withRepository(now machine.Moment, then func(*repository) Answer) Answer {
	return withSensors(func() Answer {
		r := &b.repository
		if declared := b.Machine.State.Sensors; r.records == nil || !reflect.DeepEqual(r.sensors, declared) {
			r.sensors, r.records = declared, newRecords(b.analogs())
			r.changed = b.repositoryChanged(r, now)
		}
		return then(r)
	})
}

// repositoryChanged is when the records were last changed, and notes it. The time never goes
// back, whatever the clock does.
func (b *BMC) repositoryChanged(r *repository, now machine.Moment) uint32 {
	note := b.Machine.State.Notes[repositoryNote]
	digest := r.records.digest()
	before := max(r.changed, repositoryTime)
	switch {
	case len(note) >= 4:
		before = max(before, binary.LittleEndian.Uint32(note))
		if bytes.Equal(note[4:], digest) {
			return before
		}
	case len(r.sensors.All) == 0:
		return before
	}
	changed := max(before+1, uint32(now.Clock.Unix()))
	b.Machine.SetNote(repositoryNote, append(binary.LittleEndian.AppendUint32(nil, changed), digest...))
	return changed
}

// sdr lays out a record without its ID.
func sdr(kind byte, name string, body ...byte) Record {
	r := Record{0, 0, 0x51, kind, byte(len(body) + 1 + len(name))}
	r = append(r, body...)
	return append(append(r, latin1|byte(len(name))), name...)
}

func (s *sensor) record() Record {
	head := []byte{deviceID, 0, s.number, s.entity, firstInstance}
	if s.states == 0 {
		return sdr(sdrEventOnly, s.name, append(head, s.kind, sensorSpecific, shareOne, 0, 0, 0)...)
	}
	body := append(head, startEnabled, autoRearm|globalDisable, s.kind, sensorSpecific)
	body = binary.LittleEndian.AppendUint16(body, s.events)
	body = binary.LittleEndian.AppendUint16(body, 0) // none when a state is left
	body = binary.LittleEndian.AppendUint16(body, s.states)
	return sdr(sdrCompact, s.name, append(body,
		noNumber, 0, 0, // units
		shareOne, 0,
		0, 0, // hysteresis
		0, 0, 0, // reserved
		0)...) // OEM
}

// The operations of the repository: ask for its allocation, reserve it.
const sdrOperations = 0x03

// unspecifiedTime is a time that is not known (§37), or an event that has not happened.
const unspecifiedTime = 0xFFFFFFFF

func getSDRRepositoryInfo(b *BMC, r *Request) Answer {
	return b.withRepository(r.Now, func(all *repository) Answer {
		info := binary.LittleEndian.AppendUint16([]byte{0x51}, uint16(len(all.records)))
		info = binary.LittleEndian.AppendUint16(info, 0) // free
		info = binary.LittleEndian.AppendUint32(info, all.changed)
		info = binary.LittleEndian.AppendUint32(info, unspecifiedTime) // of erasing
		return done(append(info, sdrOperations)...)
	})
}

// getSDRAllocationInfo says that there is no room: records cannot be added.
func getSDRAllocationInfo(*BMC, *Request) Answer { return done(make([]byte, 9)...) }

func reserveSDRRepository(b *BMC, r *Request) Answer {
	now := r.Now
	return b.withRepository(now, func(all *repository) Answer {
		return b.reserve(&b.Reservations.SDR, uint64(all.changed), now.Uptime)
	})
}

func getSDR(b *BMC, r *Request) Answer {
	data := slices.Clone(r.Data)
	return b.withRepository(r.Now, func(all *repository) Answer {
		return readRecord(all.records, b.Reservations.SDR.holds(uint64(all.changed), data), data)
	})
}
