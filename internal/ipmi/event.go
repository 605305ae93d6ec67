package ipmi

import "github.com/shipmi/shipmi/internal/provider"

// An event is something that happened to a sensor (§32.1).
type event struct {
	sensor byte // number
	offset byte // of the sensor's type
	detail byte // event data 2, as the type defines it; 0: none
}

var (
	eventPowerFailed = event{sensorPower, unitFailed, 0}
	eventLogCleared  = event{sensorLog, logCleared, 0}
)

// powerEvents are what Chassis Control did, once its script has succeeded.
var powerEvents = map[provider.Verb]event{
	provider.Off:      {sensorPower, unitOff, 0},
	provider.Cycle:    {sensorPower, unitCycle, 0},
	provider.On:       {sensorBoot, startPowerUp, 0},
	provider.Reset:    {sensorBoot, startHardReset, 0},
	provider.Diag:     {sensorInterrupt, interruptDiag, 0},
	provider.Shutdown: {sensorOS, osShutdown, 0},
}

// watchdogExpired is what the watchdog timer did, without an interrupt before:
// use and action are those of Set Watchdog Timer (§27.6).
func watchdogExpired(use, action byte) event { return event{sensorWatchdog, action, use} }

const (
	recordEvent   = 0x02 // record type
	eventRevision = 0x04
	detailDefined = 0xC0 // event data 2 is as the sensor type defines it
	noDetail      = 0xFF
)

// record lays out an event, still without ID and time.
func (e event) record() Record {
	data1, detail := e.offset, byte(noDetail)
	if e.detail != 0 {
		data1, detail = e.offset|detailDefined, e.detail
	}
	return Record{
		0, 0, recordEvent, 0, 0, 0, 0,
		deviceID, 0, // who tells it
		eventRevision, sensorOf(e.sensor).kind, e.sensor, sensorSpecific,
		data1, detail, noDetail,
	}
}
