package redfish

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// entries are the entries of the log, each as a line.
func (r *rig) entries() (lines []string) {
	for _, member := range r.get(logPath + "/Entries").at("Members").([]any) {
		e := member.(map[string]any)
		lines = append(lines, fmt.Sprint(
			e["Id"], " ", e["EntryType"], " ", e["Severity"], " ", e["EntryCode"], " ", e["SensorType"], " ", e["SensorNumber"], " ",
			e["MessageId"], " ", e["Created"], ": ", e["Message"]))
	}
	return lines
}

// An entry is a decoded record of IPMI: sensor, event data and time are those of the record.
func TestLogEntries(t *testing.T) {
	r := newRig(t, full)
	for _, word := range []string{"On", "ForceOff", "PowerCycle", "ForceRestart", "Nmi", "GracefulShutdown"} {
		require.Equal(t, http.StatusNoContent, r.reset(word).Status)
	}
	r.fails = provider.ErrTimeout
	r.reset("On")
	r.Machine.Update(func(s *machine.State) {
		s.Watchdog = machine.Watchdog{Use: machine.UseManagementOS, Action: provider.Reset}
	})
	r.Machine.WatchdogExpired(start)
	r.Machine.AddRecord([]byte{0, 0, 2, 0, 0, 0, 0, 0x41, 0, 4, 0x01, 0x30, 0x81, 0x57, 0x20, 0x1F}, start)
	r.Machine.AddRecord([]byte{0, 0, 0xC0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, start)
	r.Machine.AddRecord([]byte{0, 0, 0xE0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, start)
	at := "2026-11-22T12:00:00Z"
	require.Equal(t, []string{
		"1 SEL OK Assert SystemBoot/Restart 4 0x00FFFF " + at + ": The machine was switched on.",
		"2 SEL OK Assert PowerUnit 2 0x00FFFF " + at + ": The machine was switched off.",
		"3 SEL OK Assert PowerUnit 2 0x01FFFF " + at + ": The machine was switched off and on.",
		"4 SEL OK Assert SystemBoot/Restart 4 0x01FFFF " + at + ": The machine was reset.",
		"5 SEL OK Assert Critical Interrupt 6 0x00FFFF " + at + ": The machine got a diagnostic interrupt.",
		"6 SEL OK Assert OS Stop/Shutdown 5 0x03FFFF " + at + ": The guest was asked to shut down.",
		"7 SEL Critical Assert PowerUnit 2 0x05FFFF " + at + ": A power action failed.",
		"8 SEL Warning Assert Watchdog 3 0xC104FF " + at + ": The watchdog timer expired.",
		"9 SEL OK Deassert Temperature 48 0x57201F " + at + ": A record of type 0x02: 41 00 04 01 30 81 57 20 1F.",
		"10 Oem OK <nil> <nil> <nil> <nil> " + at + ": A record of type 0xC0: 01 02 03 04 05 06 07 08 09.",
		"11 Oem OK <nil> <nil> <nil> <nil> <nil>: A record of type 0xE0: 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D.",
	}, r.entries())
	require.Equal(t, "IPMI record type 0xC0", r.get(logPath+"/Entries/10").at("OemRecordFormat"))
}

// Every event of the machine has words.
func TestEveryEventHasWords(t *testing.T) {
	for _, kind := range []machine.EventKind{
		machine.EventPowerOff, machine.EventPowerCycle, machine.EventPowerUp, machine.EventHardReset, machine.EventInterrupt,
		machine.EventShutdown, machine.EventPowerFault, machine.EventLogCleared, machine.EventWatchdog,
	} {
		require.NotEmpty(t, happened[kind].text, kind)
	}
	r := newRig(t, full)
	r.Machine.Update(func(s *machine.State) {
		s.Events.Entries = []machine.Entry{{ID: 1, Event: machine.Event{Kind: "of a later version"}}}
	})
	require.Len(t, r.entries(), 1)
}

func TestClearLog(t *testing.T) {
	for _, body := range []string{``, `{}`} {
		r := newRig(t, full)
		r.reset("On")
		got := r.do("POST", clearPath, body)
		require.Equal(t, http.StatusNoContent, got.Status)
		require.Equal(t, 1, r.stored)
		require.Equal(t, []string{
			"1 SEL OK Assert Event Logging Disabled 7 0x02FFFF 2026-11-22T12:00:00Z: The event log was cleared.",
		}, r.entries())
	}
}

// Clients reckon the age of an entry by the time of the BMC, which is that of the log.
func TestTimeOfTheLog(t *testing.T) {
	r := newRig(t, full)
	r.Machine.Update(func(s *machine.State) { s.Events.Ahead = 3600 })
	r.reset("On")
	created := r.get(logPath + "/Entries/1").at("Created")
	require.Equal(t, "2026-11-22T13:00:00Z", created)
	require.Equal(t, created, r.get(managerPath).at("DateTime"))
	require.Equal(t, created, r.get(logPath).at("DateTime"))
}
