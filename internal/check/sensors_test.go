package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The readings are those that clients see, which the records round.
func TestSensors(t *testing.T) {
	for _, test := range []struct{ status, readings, client, failure string }{
		{"on", "echo cpu=80.2; echo fan1=490; echo draw=120.7", `
cpu              | 80 degrees C      | unc
fan1             | 480 RPM           | lnc
draw             | 120 Watts         | ok`, ""},
		{"on", "echo cpu=12.5; echo draw=900", `
cpu              | 12.50 degrees C   | ok
fan1             | no reading        | ns
draw             | no reading        | ns`, `printed "draw=900": not within 0..500 W`},
		{"on", "exit 3", `
cpu              | no reading        | ns
fan1             | no reading        | ns
draw             | no reading        | ns`, "exit status 3"},
		{"off", "exit 3", `
cpu              | no reading        | ns
fan1             | no reading        | ns
draw             | no reading        | ns
(the script runs only while the machine is on)`, ""},
	} {
		text := "[POWER]\nstatus = echo " + test.status + "\n[SENSORS]\ncpu = temperature, C, 0..127, warn 80\n" +
			"fan1 = fan, RPM, 0..12000, low 500\ndraw = power, W, 0..500\nget = " + test.readings + "\n"
		c, results := newCheck(t, text, time.Millisecond)
		require.NoError(t, c.Queries(t.Context()))
		require.Len(t, *results, 2)
		got := (*results)[1]
		require.Equal(t, test.client, "\n"+got.Client)
		require.Equal(t, test.failure, got.Error)
		require.Equal(t, completed, got.Code, "a sensor without a reading is no error for clients")
	}
}
