package ipmi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGetSELEntry(t *testing.T) {
	r := newRig(t, powerOnly)
	one, two := "01 00 02 "+noon+" "+booted, "02 00 02 "+noon+" "+booted
	r.talk(
		step{"0a/43 00 00 00 00 00 ff", "cb"}, step{"0a/43 00 00 ff ff 00 ff", "cb"}, step{"0a/43 00 00 01 00 00 ff", "cb"},
		step{addBooted, "00 01 00"}, step{addBooted, "00 02 00"},
		step{"0a/43 00 00 00 00 00 ff", "00 02 00 " + one}, // first
		step{"0a/43 00 00 01 00 00 ff", "00 02 00 " + one},
		step{"0a/43 00 00 02 00 00 ff", "00 ff ff " + two},
		step{"0a/43 00 00 ff ff 00 ff", "00 ff ff " + two}, // last
		step{"0a/43 00 00 03 00 00 ff", "cb"},
		step{"0a/43 00 00 01 00 00 10", "00 02 00 " + one},
		step{"0a/43 00 00 01 00 00 11", "ca"},
		step{"0a/43 00 00 01 00 00 fe", "ca"},
		step{"0a/43 00 00 01 00 00 03", "00 02 00 01 00 02"},
		step{"0a/43 00 00 01 00 00 00", "00 02 00"},

		// In parts only with a reservation.
		step{"0a/43 00 00 01 00 01 01", "c5"}, step{"0a/43 81 ee 01 00 01 01", "c5"},
		step{"0a/42", "00 81 ee"},
		step{"0a/43 00 00 01 00 01 01", "c5"}, step{"0a/43 82 ee 01 00 01 01", "c5"},
		step{"0a/43 81 ee 01 00 01 02", "00 02 00 00 02"},
		step{"0a/43 81 ee 01 00 0e ff", "00 02 00 ff ff"},
		step{"0a/43 81 ee 01 00 0f 01", "00 02 00 ff"},
		step{"0a/43 81 ee 01 00 0f 02", "ca"},
		step{"0a/43 81 ee 01 00 10 ff", "c9"}, step{"0a/43 81 ee 01 00 ff 00", "c9"},
		step{"0a/43 81 ee 03 00 01 01", "cb"},
	)
}

// A reservation ends when a record is added, the log is cleared, another one is taken,
// or the BMC is reset. No other reservation gets its number soon.
func TestSELReservation(t *testing.T) {
	const part = "0a/43 81 ee 01 00 01 01"
	for name, c := range map[string]struct {
		step
		after string
	}{
		"record added":  {step{addBooted, "00 02 00"}, "c5"},
		"event":         {step{"00/02 01", "00"}, "c5"},
		"cleared":       {step{"0a/47 81 ee 43 4c 52 aa", "00 01"}, "c5"},
		"taken again":   {step{"0a/42", "00 82 ee"}, "c5"},
		"cold reset":    {step{"06/02", "00"}, "c5"},
		"warm reset":    {step{"06/03", "00"}, "c5"},
		"SDR reserved":  {step{"0a/22", "00 81 ee"}, "00 ff ff 00"},
		"refused":       {step{"0a/47 80 ee 43 4c 52 aa", "c5"}, "00 ff ff 00"},
		"time was set":  {step{"0a/49 00 00 00 60", "00"}, "00 ff ff 00"},
		"query":         {step{"00/01", "00 00 00 40"}, "00 ff ff 00"},
		"failed action": {step{"00/02 05", "d6"}, "00 ff ff 00"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, statusOnly+"on=.\n")
			r.talk(step{addBooted, "00 01 00"}, step{part, "c5"}, step{"0a/42", "00 81 ee"}, step{part, "00 ff ff 00"}, c.step, step{part, c.after})
		})
	}
	r := newRig(t, statusOnly)
	r.talk(step{addBooted, "00 01 00"}, step{"0a/42", "00 81 ee"})
	r.reserved = nil // the reservations were lost
	r.restart()
	r.now += 20 * time.Second
	r.talk(step{part, "c5"}, step{"0a/42", "00 a1 3c"}, step{part, "c5"})

	for _, id := range []uint16{0xFFFE, 0xFFFF} {
		taken := Reservation{ID: id}
		taken.take(0, 0)
		require.Equal(t, id%0xFFFF+1, taken.ID, "never 0")
	}
}

// An idle exit between Reserve SEL and Clear SEL is not noticed. An entry
// that was added in between cancels the reservation.
func TestReservationSurvivesTheProcess(t *testing.T) {
	clear := func(answer string) step { return step{"0a/47 81 ee 43 4c 52 aa", answer} }
	r := newRig(t, powerOnly)
	r.talk(step{addBooted, "00 01 00"}, step{"0a/42", "00 81 ee"})
	r.restart()
	r.talk(clear("00 01"))
	r.restart()
	r.talk(clear("c5"))

	for name, add := range map[string]step{"record": {addBooted, "00 02 00"}, "event": {"00/02 03", "00"}} {
		r := newRig(t, powerOnly)
		r.talk(step{addBooted, "00 01 00"}, step{"0a/42", "00 81 ee"})
		r.restart()
		r.talk(add)
		r.restart()
		r.talk(clear("c5"))
		require.Len(t, r.readLog(), 2, name)
	}

	// A log of one entry that was cleared has one entry again.
	r = newRig(t, powerOnly)
	r.talk(step{addBooted, "00 01 00"}, step{"0a/42", "00 81 ee"})
	r.Machine.ClearEvents(r.moment())
	r.talk(clear("c5"))
}

func TestResetCancelsReservationsOfEarlierProcesses(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(step{addBooted, "00 01 00"}, step{"0a/42", "00 81 ee"}, step{"06/03", "00"})
	r.restart()
	r.talk(step{"0a/47 81 ee 43 4c 52 aa", "c5"})
}
