package ipmi

import (
	"encoding/binary"
	"slices"
)

// dcmiBody is the first byte of all requests and answers of the Data Center
// Management Interface within the group extension network function (§5.1).
const dcmiBody = 0xDC

// dcmiVersion is DCMI 1.0, whose parameters tell what there is instead of
// taking it for granted.
var dcmiVersion = []byte{dcmiBody, 1, 0, 1} // major, minor, revision of the parameters

// dcmiCapabilities are the parameters of Get DCMI Capabilities Info (DCMI 1.0
// §6.1.1).
var dcmiCapabilities = map[byte][]byte{
	// event log, chassis power; no power management; primary LAN channel
	1: {0x06, 0x00, 0x08},
	// log: how many entries, oldest give way one by one; GUID; no temperatures
	2: append(binary.LittleEndian.AppendUint16(nil, selCapacity|0xA000), 0x01, 0x00),
	3: {deviceID << 1, 0x00}, // where power management would be
	4: {lanChannel, 0xFF, 0xFF},
}

func getDCMICapabilities(_ *BMC, r *Request) Answer {
	data, ok := dcmiCapabilities[r.Data[1]]
	if !ok {
		return reply(InvalidField)
	}
	return done(slices.Concat(dcmiVersion, data)...)
}

const (
	powerStatistics = 0x01 // mode: of the system

	powerValuesLen   = 16 // watts now, least, greatest, mean; time; period
	powerNotMeasured = 0x00
)

// getPowerReading says that there is nothing to measure (DCMI 1.0 §6.6.1).
func getPowerReading(_ *BMC, r *Request) Answer {
	if r.Data[1] != powerStatistics || r.Data[2] != 0 || r.Data[3] != 0 {
		return reply(InvalidField)
	}
	return done(append(append([]byte{dcmiBody}, make([]byte, powerValuesLen)...), powerNotMeasured)...)
}
