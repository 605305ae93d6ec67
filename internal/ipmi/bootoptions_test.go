package ipmi

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const mailbox = "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"

// Every boot option reads back exactly as set, also in the next process; a
// write without data changes only whether it is valid.
func TestBootOptions(t *testing.T) {
	for _, c := range []struct{ set, get, initial, want string }{
		{"01 5a", "01 00 00", "00", "5a"},
		{"02 03", "02 00 00", "00", "03"},
		{"03 1f", "03 00 00", "00", "1f"},
		{"04 ff 15", "04 00 00", "00 00", "00 15"},
		{"05 e0 18 62 0a 1f", "05 00 00", "00 00 00 00 00", "e0 18 62 0a 1f"},
		{"06 01 44 33 22 11 78 56 34 12", "06 00 00", "00 00 00 00 00 00 00 00 00", "01 44 33 22 11 78 56 34 12"},
		{"07 04 " + mailbox, "07 04 00", "04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "04 " + mailbox},
	} {
		r := newRig(t, allButGet)
		valid, invalid := "00 01 "+c.set[:2]+" ", "00 01 8"+c.set[1:2]+" "
		r.talk(step{"00/09 " + c.get, valid + c.initial}, step{"00/08 " + c.set, "00"}, step{"00/09 " + c.get, valid + c.want})
		r.restart()
		r.talk(
			step{"00/09 " + c.get, valid + c.want},
			step{"00/08 8" + c.set[1:2], "00"}, step{"00/09 " + c.get, invalid + c.want},
			step{"00/08 " + c.set[:2], "00"}, step{"00/09 " + c.get, valid + c.want},
			step{"00/08 8" + c.set[1:], "00"}, step{"00/09 " + c.get, invalid + c.want},
			step{"00/08 " + c.set, "00"}, step{"00/09 " + c.get, valid + c.want},
		)
	}
}

func TestUnknownBootOptions(t *testing.T) {
	r := newRig(t, fullService)
	for number := 8; number < 0x80; number++ {
		require.Equal(t, "80", r.ask(fmt.Sprintf("00/08 %02x 00", number)))
		require.Equal(t, "80", r.ask(fmt.Sprintf("00/08 %02x", number|0x80)))
		require.Equal(t, "80", r.ask(fmt.Sprintf("00/09 %02x 00 00", number)))
	}
	for number := 0x80; number < 0x100; number++ {
		require.Equal(t, "cc", r.ask(fmt.Sprintf("00/09 %02x 00 00", number)), "reserved bit")
	}
	require.Empty(t, r.stored)
}

// Each bit of the data of each boot option, as table 28-14 has it. The other
// bits of an option are 0, which is defined.
func TestReservedBits(t *testing.T) {
	for number, reserved := range map[byte][]byte{
		0: {0xFC},
		1: {0x00},
		2: {0xFC},
		3: {0xE0},
		4: {0x00, 0x00}, // "write as 1b": FreeIPMI does
		5: {0x1F, 0x00, 0x00, 0xF0, 0xE0},
		6: {0xF0, 0, 0, 0, 0, 0, 0, 0, 0},
		7: {0xF8, 0}, // from block 8 on there is none, but they are not reserved
	} {
		for bit := range 8 * len(reserved) {
			data := make([]byte, len(reserved))
			data[bit/8] = 1 << (bit % 8)
			want := "00"
			switch {
			case reserved[bit/8]&data[bit/8] == 0:
			case number == 7:
				want = "c9"
			default:
				want = "cc"
			}
			r := newRig(t, fullService)
			require.Equal(t, want, r.ask(fmt.Sprintf("00/08 %02x % x", number, data)), "option %d, bit %d", number, bit)
			if want != "00" {
				require.Empty(t, r.stored)
				require.Empty(t, r.ran)
			}
		}
	}
}

func TestBootAcknowledge(t *testing.T) {
	r := newRig(t, powerOnly)
	r.talk(
		step{"00/08 04 ff ff", "00"}, step{"00/09 04 00 00", "00 01 04 00 ff"}, // FreeIPMI
		step{"00/08 04 01 00", "00"}, step{"00/09 04 00 00", "00 01 04 00 fe"},
		step{"00/08 04 01 01", "00"}, step{"00/09 04 00 00", "00 01 04 00 ff"}, // ipmitool
		step{"00/08 04 0c f3", "00"}, step{"00/09 04 00 00", "00 01 04 00 f3"},
		step{"00/08 04 00 00", "00"}, step{"00/09 04 00 00", "00 01 04 00 f3"},
	)
}

func TestMailbox(t *testing.T) {
	const zeros = " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
	r := newRig(t, powerOnly)
	r.talk(
		step{"00/08 07 00 " + mailbox, "00"},
		step{"00/08 07 04 a1 a2", "00"}, // less than a block
		step{"00/08 07 04 b1", "00"},    // leaves the rest
		step{"00/09 07 00 00", "00 01 07 00 " + mailbox},
		step{"00/09 07 01 00", "00 01 07 01" + zeros},
		step{"00/09 07 04 00", "00 01 07 04 b1 a2" + zeros[:14*3]},
		step{"00/08 07 05 00", "c9"},
		step{"00/08 07 ff 00", "c9"},
		step{"00/09 07 05 00", "c9"},
	)
}

func TestSetInProgress(t *testing.T) {
	r := newRig(t, powerOnly)
	admin, maas := &r.sessions[0], &r.sessions[1]
	r.talk(
		step{"00/09 00 00 00", "00 01 00 00"},
		step{"00/08 00 02", "00"}, // nothing to commit is no harm
		step{"00/08 00 01", "00"},
		step{"00/08 00 01", "00"}, // a client that had to begin again
		step{"00/09 00 00 00", "00 01 00 01"},
		step{"00/08 00 03", "cc"},
	)
	r.session = maas
	r.talk(
		step{"00/08 00 01", "81"},
		step{"00/09 00 00 00", "00 01 00 01"},
		step{"00/08 04 01 01", "00"}, // only this option knows it
	)
	r.session = admin
	r.talk(step{"00/08 00 02", "00"}, step{"00/09 00 00 00", "00 01 00 01"}, step{"00/08 00 00", "00"})
	r.session = maas
	r.talk(step{"00/09 00 00 00", "00 01 00 00"}, step{"00/08 00 01", "00"})
	r.session = admin
	r.talk(step{"00/08 00 01", "81"})

	r.sessions = r.sessions[:1] // the other session has ended
	r.talk(
		step{"00/09 00 00 00", "00 01 00 00"},
		step{"00/08 00 01", "00"},
		step{"00/09 00 00 00", "00 01 00 01"},
		step{"00/08 80", "00"}, step{"00/09 00 00 00", "00 01 80 01"},
		step{"00/08 00 00", "00"}, step{"00/09 00 00 00", "00 01 00 00"},
	)
}

func TestBootOptionsWithoutSpace(t *testing.T) {
	r := newRig(t, allButGet)
	r.talk(step{"00/08 03 08", "00"}, step{"00/08 05 c0 04 00 00 00", "00"})
	before, stored := r.Machine.State, r.stored
	r.noSpace = true
	for _, request := range []string{"01 01", "03 00", "04 01 01", "05 c0 08 00 00 00", "05 00 00 00 00 00", "07 00 01", "85", "80"} {
		require.Equal(t, "ff", r.ask("00/08 "+request), request)
		require.Equal(t, before, r.Machine.State, request)
	}
	require.Equal(t, stored, r.stored)
	r.talk(step{"00/08 03 08", "00"}) // nothing to store
}

// If no boot flags are valid, the provider is asked what the machine boots from.
func TestBootDevice(t *testing.T) {
	for device, want := range map[provider.Device]string{
		"none":    "00 00 00 00 00",
		"network": "c0 04 00 00 00",
		"hd":      "c0 08 00 00 00",
		"safe":    "c0 0c 00 00 00",
		"diag":    "c0 10 00 00 00",
		"optical": "c0 14 00 00 00",
		"bios":    "c0 18 00 00 00",
		"floppy":  "c0 3c 00 00 00", // the machine's own, not a remote one
	} {
		r := newRig(t, fullService)
		r.does[provider.BootGet] = machine.Reading{Device: device}
		r.talk(step{"00/09 05 00 00", "00 01 05 " + want})
		require.Equal(t, []string{"boot get"}, r.scripts())

		r.talk(step{"00/08 05 80 00 00 00 00", "00"}, step{"00/09 05 00 00", "00 01 05 80 00 00 00 00"})
		require.Empty(t, r.scripts())
		r.provide(allButGet)
		r.now += machine.OverrideLife
		r.talk(step{"00/09 05 00 00", "00 01 05 00 00 00 00 00"})
	}
	for _, c := range scriptErrors {
		r := newRig(t, fullService)
		r.does[provider.BootGet] = machine.Reading{Err: c.err}
		require.Equal(t, c.code, r.ask("00/09 05 00 00"), "%v", c.err)
	}
}
