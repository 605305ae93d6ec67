package ipmi

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Numbers of parameters of the SOL configuration (IPMI 2.0 §26.3, table 26-5).
const (
	solEnable         = 1
	solAuthentication = 2
	solAccumulation   = 3
	solRetry          = 4
	solBitRate        = 5
	solVolatileRate   = 6
	solChannel        = 7
	solPort           = 8
)

const (
	solPrivilegeMask = 0x0F
	solRetriesMask   = 0x07
	maxBitRate       = 0x0A // 115200

	accumulationUnit = 5 * time.Millisecond
	retryUnit        = 10 * time.Millisecond
)

// solNote is the note of the state that holds the parameters.
const solNote = "ipmi sol"

// solParameters are the parameters 1 to 6, one after the other. The first value is that of
// the first parameter.
type solParameters []byte

// solDefaults are the values that clients know best.
var solDefaults = solParameters{
	1,                          // enabled, if there is a console script
	0xC0 | byte(rmcp.Operator), // encrypted and authenticated
	12, 96,                     // send after 60 ms, or 96 characters
	7, 50, // 7 tries, 500 ms apart
	0, // bit rate: that of the serial port
	0,
}

// solPlaces tells where each parameter lies in solParameters.
var solPlaces = map[byte]struct{ at, length int }{
	solEnable: {0, 1}, solAuthentication: {1, 1}, solAccumulation: {2, 2}, solRetry: {4, 2},
	solBitRate: {6, 1}, solVolatileRate: {7, 1},
}

// solOf returns the parameters of a machine.
func solOf(m *machine.Machine) solParameters {
	if note := m.State.Notes[solNote]; len(note) == len(solDefaults) {
		return note
	}
	return solDefaults
}

func (p solParameters) value(number byte) []byte {
	place := solPlaces[number]
	return p[place.at:][:place.length]
}

func (p solParameters) enabled() bool { return p.value(solEnable)[0] != 0 }

func (p solParameters) privilege() rmcp.Privilege {
	return rmcp.Privilege(p.value(solAuthentication)[0] & solPrivilegeMask)
}

// SOLSettings returns what the SOL configuration of a machine sets of its console line.
func SOLSettings(m *machine.Machine) console.Settings {
	p, settings := solOf(m), console.DefaultSettings
	accumulation, retry := p.value(solAccumulation), p.value(solRetry)
	settings.Accumulate = time.Duration(accumulation[0]) * accumulationUnit
	settings.Threshold = int(max(accumulation[1], 1))
	settings.Retries = int(retry[0] & solRetriesMask)
	settings.RetryInterval = time.Duration(retry[1]) * retryUnit
	return settings
}

// validSOL reports whether a parameter may have a value of the right length.
func validSOL(number byte, value []byte) bool {
	switch number {
	case solEnable:
		return value[0] <= 1
	case solAuthentication:
		level := rmcp.Privilege(value[0] & solPrivilegeMask)
		return level >= user && level <= admin
	case solRetry:
		return value[0] <= solRetriesMask
	case solBitRate, solVolatileRate:
		return value[0] <= maxBitRate
	}
	return true
}

func getSOLConfiguration(b *BMC, r *Request) Answer {
	number := r.Data[1]
	parameter := func(value ...byte) Answer { return done(append([]byte{parameterRevision}, value...)...) }
	switch {
	case !r.isLAN(r.Data[0] &^ revisionOnly):
		return reply(InvalidField)
	case r.Data[0]&revisionOnly != 0:
		return parameter()
	case number == lanSetInProgress:
		return parameter(0)
	case number == solEnable:
		return withConsole(func() Answer { return parameter(solOf(b.Machine).value(solEnable)...) }, parameter(0))
	case number == solChannel:
		return parameter(lanChannel)
	case number == solPort:
		return parameter(port(b.port(r))...)
	case number < solChannel:
		return parameter(solOf(b.Machine).value(number)...)
	}
	return reply(UnsupportedParameter)
}

// setSOLConfiguration refuses to write the channel and the port, which the administrator of
// the host sets. Without a console script it lets a client announce that it will write, but
// not write.
func setSOLConfiguration(b *BMC, r *Request) Answer {
	number, value := r.Data[1], slices.Clone(r.Data[2:])
	place, writable := solPlaces[number]
	switch {
	case !r.isLAN(r.Data[0]):
		return reply(InvalidField)
	case !writable:
		return refuseWrite(r.Data[1:], number <= solPort)
	case len(value) != place.length:
		return reply(InvalidLength)
	case !validSOL(number, value):
		return reply(InvalidField)
	}
	return withConsole(func() Answer { return b.setSOL(number, value) }, reply(ReadOnly))
}

func (b *BMC) setSOL(number byte, value []byte) Answer {
	parameters := slices.Clone(solOf(b.Machine))
	copy(parameters.value(number), value)
	b.Machine.SetNote(solNote, parameters)
	b.Console.SetSettings(SOLSettings(b.Machine))
	return stored()
}
