package ipmi

import (
	"encoding/binary"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// dcmiBody is the first byte of all requests and answers of the Data Center
// Management Interface within the group extension network function (§5.1).
const dcmiBody = 0xDC

// dcmiVersion is DCMI 1.0: its parameters say what the BMC has. Later versions take that
// for granted.
var dcmiVersion = []byte{dcmiBody, 1, 0, 1} // major, minor, revision of the parameters

// dcmiCapabilities are the parameters of Get DCMI Capabilities Info (DCMI 1.0
// §6.1.1).
var dcmiCapabilities = map[byte][]byte{
	// event log, chassis power; no power management; primary LAN channel
	1: {0x06, 0x00, 0x08},
	// log: how many entries, the oldest is replaced; GUID, asset tag; no temperatures
	2: append(binary.LittleEndian.AppendUint16(nil, machine.MaxEvents|0xA000), 0x05, 0x00),
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

// getPowerReading reports that power is not measured (DCMI 1.0 §6.6.1).
func getPowerReading(_ *BMC, r *Request) Answer {
	if r.Data[1] != powerStatistics || r.Data[2] != 0 || r.Data[3] != 0 {
		return reply(InvalidField)
	}
	return done(append(append([]byte{dcmiBody}, make([]byte, powerValuesLen)...), powerNotMeasured)...)
}

// getAssetTag reads the asset tag of the inventory (DCMI 1.5 §6.4.2). The provider is
// asked again when a client begins to read.
func getAssetTag(b *BMC, r *Request) Answer {
	offset, count := r.Data[1], r.Data[2]
	if offset == 0 {
		b.inventory = nil
	}
	return b.withInventory(func(f provider.FRU) Answer { return dcmiText(f.Asset, offset, count) })
}

// getControllerID reads the management controller identifier string, which is the name
// of the BMC (DCMI 1.5 §6.4.6.1).
func getControllerID(b *BMC, r *Request) Answer { return dcmiText(b.Name, r.Data[1], r.Data[2]) }

const dcmiMaxRead = 16 // bytes of a text in one answer

// dcmiText sends a part of a text, and the length of the whole text.
func dcmiText(text string, offset, count byte) Answer {
	if int(offset) > len(text) || count > dcmiMaxRead {
		return reply(OutOfRange)
	}
	rest := text[offset:]
	return done(append([]byte{dcmiBody, byte(len(text))}, rest[:min(int(count), len(rest))]...)...)
}
