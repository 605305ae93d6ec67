package ipmi

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

// Record IDs and event data of the records below differ, the rest is the same.
const (
	noon      = "40 d9 02 6b" // 2026-11-22 12:00 UTC
	addBooted = "0a/44 00 00 02 00 00 00 00 41 00 04 12 00 6f 05 ff ff"
	booted    = "41 00 04 12 00 6f 05 ff ff" // as it is kept, after the time
	wholeOf   = " 00 ff"
)

// readLog reads the whole log as clients do: record by record, to the last.
func (r *rig) readLog() (records []string) {
	r.t.Helper()
	id := "00 00"
	for id != "ff ff" {
		answer := r.ask("0a/43 00 00 " + id + wholeOf)
		if answer == "cb" && id == "00 00" {
			return nil
		}
		require.True(r.t, strings.HasPrefix(answer, "00 "), answer)
		id = answer[3:8]
		records = append(records, answer[9:])
		require.LessOrEqual(r.t, len(records), 1000, "does not end")
	}
	return records
}

func TestSELInfo(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(
		step{"0a/40", "00 51 00 00 00 10 ff ff ff ff ff ff ff ff 0b"}, // never added, never erased
		step{"0a/41", "00 00 01 10 00 00 01 00 01 01"},
		step{addBooted, "00 01 00"},
	)
	r.now += time.Second
	r.talk(
		step{addBooted, "00 02 00"},
		step{"0a/40", "00 51 02 00 e0 0f 41 d9 02 6b ff ff ff ff 0b"},
		step{"0a/41", "00 00 01 10 00 fe 00 fe 00 01"},
		step{"0a/42", "00 69 f2"},
	)
	r.now += time.Second
	r.talk(
		step{"0a/46 69 f2 01 00", "00 01 00"},
		step{"0a/40", "00 51 01 00 f0 0f 41 d9 02 6b 42 d9 02 6b 0b"},
	)
	before := r.ask("0a/40")
	r.restart()
	require.Equal(t, before, r.ask("0a/40"))
}

func TestAddSELEntry(t *testing.T) {
	r := newRig(t, powerOnly)
	const rest = " 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d"
	r.talk(
		// Record ID and time are of the BMC.
		step{"0a/44 34 12 02" + rest, "00 01 00"},
		step{"0a/44 34 12 c0" + rest, "00 02 00"},
		step{"0a/44 34 12 df" + rest, "00 03 00"},
		// Records of these OEM types have no time.
		step{"0a/44 34 12 e0" + rest, "00 04 00"},
		step{"0a/44 34 12 ff" + rest, "00 05 00"},
	)
	const timed = " " + noon + " 15 16 17 18 19 1a 1b 1c 1d"
	all := []string{"01 00 02" + timed, "02 00 c0" + timed, "03 00 df" + timed, "04 00 e0" + rest, "05 00 ff" + rest}
	require.Equal(t, all, r.readLog())
	for _, kind := range []string{"00", "01", "03", "bf"} {
		require.Equal(t, "80", r.ask("0a/44 34 12 "+kind+rest), "reserved")
	}
	require.Equal(t, all, r.readLog())
}

// "ipmitool event 1". The generator is the client: software ID 41h (message 81h), on
// the LAN channel.
func TestPlatformEvent(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"04/02 04 01 30 01 59 ff ff", "00"})
	require.Equal(t, []string{"01 00 02 " + noon + " 81 10 04 01 30 01 59 ff ff"}, r.readLog())
	r.noSpace = true
	r.talk(step{"04/02 04 01 30 01 59 ff ff", "ff"})
	require.Len(t, r.readLog(), 1)
}

// A machine may log events that IPMI has no word for.
func TestUnknownEvent(t *testing.T) {
	r := newRig(t, powerOnly)
	r.Machine.Update(func(s *machine.State) {
		s.Events.Entries = []machine.Entry{{ID: 7, Time: 0x6b02d940, Event: machine.Event{Kind: "of a later version"}}}
	})
	require.Equal(t, []string{"07 00 c0 " + noon + " 00 00 00 00 00 00 00 00 00"}, r.readLog())
}

func TestDeleteSELEntry(t *testing.T) {
	r := newRig(t, powerOnly)
	for range 4 {
		r.ask(addBooted)
	}
	ids := func() (all string) {
		for _, record := range r.readLog() {
			all += record[:6]
		}
		return all
	}
	r.talk(
		step{"0a/46 00 00 01 00", "c5"}, step{"0a/42", "00 81 ee"}, step{"0a/46 00 00 01 00", "c5"},
		step{"0a/46 81 ee 05 00", "cb"},
	)
	require.Equal(t, "01 00 02 00 03 00 04 00 ", ids())
	// ipmitool deletes several with one reservation.
	r.talk(step{"0a/46 81 ee 02 00", "00 02 00"}, step{"0a/46 81 ee 02 00", "cb"}, step{"0a/46 81 ee ff ff", "00 04 00"})
	require.Equal(t, "01 00 03 00 ", ids())
	r.restart()
	r.talk(step{addBooted, "00 05 00"}, step{"0a/42", "00 82 ee"}, step{"0a/46 82 ee 00 00", "00 01 00"})
	require.Equal(t, "03 00 05 00 ", ids(), "no ID comes twice")

	r.noSpace = true
	r.talk(step{"0a/46 82 ee 03 00", "ff"}, step{"0a/47 82 ee 43 4c 52 aa", "ff"})
	require.Equal(t, "03 00 05 00 ", ids())
	r.noSpace = false
	r.talk(step{"0a/46 82 ee 03 00", "00 03 00"})
}

func TestClearSEL(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{addBooted, "00 01 00"}, step{addBooted, "00 02 00"}, step{"0a/42", "00 81 ee"})
	for _, request := range []string{
		"81 ee 63 6c 72 aa", "81 ee 43 4c 00 aa", "81 ee 00 4c 52 aa", "81 ee 43 00 52 aa", "81 ee 43 4c 00 00", // not CLR
		"81 ee 43 4c 52 ab", "81 ee 43 4c 52 01", "81 ee 43 4c 52 ff", // neither start nor status
	} {
		require.Equal(t, "cc", r.ask("0a/47 "+request), request)
	}
	require.Len(t, r.readLog(), 2)
	r.now += time.Second
	r.talk(
		step{"0a/47 00 00 43 4c 52 aa", "c5"},
		step{"0a/47 81 ee 43 4c 52 00", "00 01"},
		step{"0a/47 81 ee 43 4c 52 aa", "00 01"},
		step{"0a/47 81 ee 43 4c 52 00", "00 01"}, // FreeIPMI asks with the reservation that it had
		step{"0a/47 81 ee 43 4c 52 aa", "c5"},
		step{"0a/40", "00 51 01 00 f0 0f 41 d9 02 6b 41 d9 02 6b 0b"},
	)
	// Event Logging Disabled: Log Area Reset/Cleared
	require.Equal(t, []string{"01 00 02 41 d9 02 6b 20 00 04 10 07 6f 02 ff ff"}, r.readLog())
}

// A new entry replaces the oldest, and the log says so until it is cleared.
func TestFullSEL(t *testing.T) {
	r := newRig(t, powerOnly)
	for range 256 {
		r.ask(addBooted)
	}
	r.talk(step{"0a/40", "00 51 00 01 00 00 " + noon + " ff ff ff ff 0b"}, step{addBooted, "00 01 01"})
	r.restart()
	r.talk(step{"0a/40", "00 51 00 01 00 00 " + noon + " ff ff ff ff 8b"}, step{"0a/41", "00 00 01 10 00 00 00 00 00 01"})
	records := r.readLog()
	require.Len(t, records, 256)
	require.Equal(t, "02 00", records[0][:5])
	require.Equal(t, "01 01", records[255][:5])
	r.talk(step{"0a/42", "00 81 ee"}, step{"0a/46 81 ee 00 00", "00 02 00"}, step{addBooted, "00 02 01"})
	r.talk(step{"0a/40", "00 51 00 01 00 00 " + noon + " " + noon + " 8b"})
	r.talk(step{"0a/42", "00 82 ee"}, step{"0a/47 82 ee 43 4c 52 aa", "00 01"}, step{"0a/40", "00 51 01 00 f0 0f " + noon + " " + noon + " 0b"})
}

// After the last record ID follows the first ID that no record has.
func TestRecordIDsWrap(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{addBooted, "00 01 00"})
	r.Machine.State.Events.Last = 0xFFFD
	r.talk(step{addBooted, "00 fe ff"}, step{addBooted, "00 02 00"})
	require.Len(t, r.readLog(), 3)
}

func TestSELTime(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"0a/48", "00 " + noon}, step{"0a/28", "00 " + noon}, step{"0a/49 00 00 00 60", "00"}, step{"0a/48", "00 00 00 00 60"})
	r.restart()
	r.now += time.Minute
	r.talk(
		step{"0a/48", "00 3c 00 00 60"}, step{"0a/28", "00 3c 00 00 60"}, step{addBooted, "00 01 00"},
		step{"0a/43 00 00 00 00 00 07", "00 ff ff 01 00 02 3c 00 00 60"},
		step{"0a/42", "00 e1 d8"}, step{"0a/47 e1 d8 43 4c 52 aa", "00 01"}, step{"0a/48", "00 3c 00 00 60"},
		step{"0a/49 ff ff ff ff", "00"}, step{"0a/48", "00 ff ff ff ff"},
	)
}

func TestSELTimeUTCOffset(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{"0a/5c", "00 00 00"})
	for _, offset := range []string{"3c 00", "00 00", "a0 05", "60 fa", "c4 ff", "ff 07"} { // 60, 0, ±1440, -60, unspecified
		r.talk(step{"0a/5d " + offset, "00"}, step{"0a/48", "00 " + noon})
		r.restart()
		r.talk(step{"0a/5c", "00 " + offset})
	}
	for _, offset := range []string{"a1 05", "5f fa", "fe 07", "00 08", "ff 7f", "00 80"} {
		r.talk(step{"0a/5d " + offset, "cc"}, step{"0a/5c", "00 ff 07"})
	}
}
