package ipmi

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

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
	// event log, chassis power; no power management, see below; primary LAN channel
	1: {0x06, 0x00, 0x08},
	// log: how many entries, the oldest is replaced; GUID, asset tag; no temperatures
	2: append(binary.LittleEndian.AppendUint16(nil, machine.MaxEvents|0xA000), 0x05, 0x00),
	3: {deviceID << 1, 0x00}, // where power management would be
	4: {lanChannel, 0xFF, 0xFF},
}

const (
	dcmiSupported = 1 // the parameter that says what the BMC has
	dcmiPower     = 0x01
)

// getDCMICapabilities has power management if the provider measures power. ipmitool does not
// ask for a reading otherwise.
func getDCMICapabilities(b *BMC, r *Request) Answer {
	parameter := r.Data[1]
	data, ok := dcmiCapabilities[parameter]
	if !ok {
		return reply(InvalidField)
	}
	if parameter != dcmiSupported {
		return done(slices.Concat(dcmiVersion, data)...)
	}
	return withSensors(func() Answer {
		data := slices.Clone(data)
		data[1] = flag(b.Machine.State.Sensors.Power != "", dcmiPower)
		return done(slices.Concat(dcmiVersion, data)...)
	})
}

const (
	powerStatistics = 0x01 // mode: of the system

	powerValuesLen   = 16 // watts now, least, greatest, mean; time; period
	powerNotMeasured = 0x00
	powerMeasured    = 0x40
	powerPeriod      = 1000 // milliseconds
)

// getPowerReading reports what the managed system draws (DCMI 1.0 §6.6.1). No process runs
// that could tell a mean, so all values are the present one. It reports that power is not
// measured if there is no reading.
func getPowerReading(b *BMC, r *Request) Answer {
	if r.Data[1] != powerStatistics || r.Data[2] != 0 || r.Data[3] != 0 {
		return reply(InvalidField)
	}
	now := r.Now
	return withSensors(func() Answer {
		name := b.Machine.State.Sensors.Power
		if name == "" {
			return powerReading(0, time.Time{}, false)
		}
		return b.withReadings(now, func() Answer {
			watts, known := b.Machine.SensorReading(name)
			return powerReading(watts, now.Clock, known)
		})
	})
}

func powerReading(watts float64, now time.Time, known bool) Answer {
	if !known {
		return done(append(append([]byte{dcmiBody}, make([]byte, powerValuesLen)...), powerNotMeasured)...)
	}
	data := []byte{dcmiBody}
	for range 4 { // now, least, greatest, mean
		data = binary.LittleEndian.AppendUint16(data, uint16(math.Round(watts)))
	}
	data = binary.LittleEndian.AppendUint32(data, uint32(now.Unix()))
	data = binary.LittleEndian.AppendUint32(data, powerPeriod)
	return done(append(data, powerMeasured)...)
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
