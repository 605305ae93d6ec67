package ipmi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDCMICapabilities(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"2c/01 dc 01", "00 dc 01 00 01 06 00 08"},    // DCMI 1.0: log, chassis power; primary LAN channel
		step{"2c/01 dc 02", "00 dc 01 00 01 00 a1 01 00"}, // 256 entries, oldest give way one by one; GUID
		step{"2c/01 dc 03", "00 dc 01 00 01 40 00"},
		step{"2c/01 dc 04", "00 dc 01 00 01 01 ff ff"},
		step{"2c/01 dc 01", "00 dc 01 00 01 06 00 08"}, // as before
	)
	for _, parameter := range []string{"00", "05", "06", "ff"} {
		require.Equal(t, "cc", r.ask("2c/01 dc "+parameter))
	}
}

func TestPowerReading(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(step{"2c/02 dc 01 00 00", "00 dc" + strings.Repeat(" 00", 17)}) // not active
	for _, request := range []string{
		"dc 00 00 00", "dc 02 00 00", "dc 02 8f 00", "dc ff 00 00", "dc 01 01 00", "dc 01 00 01", // mode, reserved
	} {
		require.Equal(t, "cc", r.ask("2c/02 "+request), request)
	}
	require.Empty(t, r.scripts())
}

// The group extension has as many sets of commands as it has bodies. ipmitool
// asks for those of PICMG and VITA in each session.
func TestOtherGroups(t *testing.T) {
	r := newRig(t, statusOnly)
	for _, request := range []string{
		"2c/3e 00 02", "2c/00 00", "2c/00 03", // as ipmitool asks
		"2c/01", "2c/02", "2c/01 00", "2c/01 00 01", "2c/02 03 01 00 00", "2c/01 db 01", "2c/01 52 01",
		"2c/00 dc", "2c/03 dc", "2c/06 dc 00 01",
	} {
		c, answer := r.Handle(r.request(request))
		require.Nil(t, c, request)
		require.Equal(t, Answer{Code: InvalidCommand}, answer, request)
	}
}
