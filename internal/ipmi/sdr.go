package ipmi

import "encoding/binary"

// The record types of the repository (§43).
const (
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

// repository holds the sensor data records, the same in every BMC: one of the BMC
// itself and one of each sensor.
var repository = func() sdrs {
	all := sdrs{sdr(sdrLocator, managementName,
		deviceID, 0, 0, deviceSupport, 0, 0, 0, entityManagement, firstInstance, 0)}
	for _, s := range sensors {
		all = append(all, s.record())
	}
	for i, r := range all {
		binary.LittleEndian.PutUint16(r, uint16(i+1))
	}
	return all
}()

// repositoryTime is when the repository was last changed: 2026-11-22 12:00 UTC. It must
// change with every record: clients that keep a copy of the records look at nothing
// else. A change cancels the reservations.
const repositoryTime = 1795348800

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

func getSDRRepositoryInfo(*BMC, *Request) Answer {
	info := binary.LittleEndian.AppendUint16([]byte{0x51}, uint16(len(repository)))
	info = binary.LittleEndian.AppendUint16(info, 0) // free
	info = binary.LittleEndian.AppendUint32(info, repositoryTime)
	info = binary.LittleEndian.AppendUint32(info, unspecifiedTime) // of erasing
	return done(append(info, sdrOperations)...)
}

// getSDRAllocationInfo says that there is no room: records cannot be added.
func getSDRAllocationInfo(*BMC, *Request) Answer { return done(make([]byte, 9)...) }

func reserveSDRRepository(b *BMC, r *Request) Answer {
	return b.reserve(&b.Reservations.SDR, repositoryTime, r.Now.Uptime)
}

func getSDR(b *BMC, r *Request) Answer {
	return readRecord(repository, b.Reservations.SDR.holds(repositoryTime, r.Data), r.Data)
}
