package ipmi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestDCMICapabilities(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"2c/01 dc 01", "00 dc 01 00 01 06 00 08"},    // DCMI 1.0: log, chassis power; primary LAN channel
		step{"2c/01 dc 02", "00 dc 01 00 01 00 a1 05 00"}, // 256 entries, the oldest is replaced; GUID, asset tag
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

// "ipmitool dcmi asset_tag" asks for the length, then for up to 16 bytes at a time.
func TestAssetTag(t *testing.T) {
	r := newRig(t, withFRU)
	r.Machine.FRU = provider.FRU{Asset: "0123456789abcdefXYZ"}
	const first = "00 dc 13 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66"
	r.talk(
		step{"2c/06 dc 00 00", "00 dc 13"},
		step{"2c/06 dc 00 10", first},
		step{"2c/06 dc 10 03", "00 dc 13 58 59 5a"},
		step{"2c/06 dc 10 10", "00 dc 13 58 59 5a"}, // only three bytes are left
		step{"2c/06 dc 13 10", "00 dc 13"},
		step{"2c/06 dc 14 01", "c9"},
		step{"2c/06 dc ff 01", "c9"},
		step{"2c/06 dc 00 11", "c9"},
	)
	require.Len(t, r.scripts(), 3, "one when a client begins to read")
	r.does[provider.FRUGet] = machine.Reading{FRU: provider.FRU{Asset: "7"}}
	r.talk(step{"2c/06 dc 00 10", "00 dc 01 37"})
	r.does[provider.FRUGet] = machine.Reading{Err: provider.ErrTimeout}
	r.talk(step{"2c/06 dc 00 00", "c3"})
}

// "ipmitool dcmi get_mc_id_string". The identifier is the name of the BMC.
func TestControllerID(t *testing.T) {
	r := newRig(t, statusOnly)
	r.Name = "a-name-of-twenty-six-bytes"
	r.talk(
		step{"2c/09 dc 00 01", "00 dc 1a 61"},
		step{"2c/09 dc 00 10", "00 dc 1a 61 2d 6e 61 6d 65 2d 6f 66 2d 74 77 65 6e 74 79"},
		step{"2c/09 dc 10 0a", "00 dc 1a 2d 73 69 78 2d 62 79 74 65 73"},
		step{"2c/09 dc 1b 01", "c9"},
		step{"2c/09 dc 00 11", "c9"},
	)
}

// The group extension has as many sets of commands as it has bodies. ipmitool
// asks for those of PICMG and VITA in each session.
func TestOtherGroups(t *testing.T) {
	r := newRig(t, statusOnly)
	for _, request := range []string{
		"2c/3e 00 02", "2c/00 00", "2c/00 03", // as ipmitool asks
		"2c/01", "2c/02", "2c/01 00", "2c/01 00 01", "2c/02 03 01 00 00", "2c/01 db 01", "2c/01 52 01",
		"2c/00 dc", "2c/03 dc", "2c/08 dc 00 01 41", "2c/06 00 00 00",
	} {
		c, answer := r.Handle(r.request(request))
		require.Same(t, &providerCommand, c, request)
		require.Equal(t, Answer{Code: InvalidCommand}, answer, request)
	}
}
