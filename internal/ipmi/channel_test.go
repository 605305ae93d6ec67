package ipmi

import (
	"testing"
)

// refusedAsField are requests with a channel, a selector or a reserved bit that
// is none.
func TestFieldsOfChannelCommands(t *testing.T) {
	r := newRig(t, statusOnly)
	for _, request := range []string{
		"06/41 00 40", "06/41 02 40", "06/41 1e 40", "06/41 0e 00", "06/41 0e c0", "06/41 0e 41",
		"06/42 00", "06/42 0f", "06/42 11", "06/42 8e",
		"06/48 00 01 00 00 00 00", "06/48 01 00 00 00 00 00", "06/48 01 10 00 00 00 00", "06/48 02 01 00 00 00 00",
		"06/49 00 01 00 00 00 00", "06/49 01 00 00 00 00 00", "06/49 41 01 00 00 00 00",
		"06/4a 00", "06/4a 02", "06/4b 00 01", "06/4b 01 00", "06/4b 01 10",
		"06/4d 02 02", "06/4d 0e 00", "06/4d 0e 11", "06/4d 0e 40",
		"06/4e 02", "06/4f 02 00", "06/4f 0e 40", "06/4f 0e 80",
		"06/59 01 00 00 00", "0c/02 02 03 00 00", "0c/02 41 03 00 00", "0c/01 02 00 00", "0c/01 01 00 03",
		"0c/22 02 01 00 00", "0c/22 4e 01 00 00", "0c/21 02 00 00", "0c/21 01 00 03",
	} {
		r.talk(step{request, "cc"})
	}
}

func TestPayloadVersions(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"06/4f 01 00", "00 10"},
		step{"06/4f 0e 10", "00 10"},
		step{"06/4f 0e 15", "00 10"},
		step{"06/4f 0e 01", "80"}, // SOL
		step{"06/4f 0e 02", "80"},
		step{"06/4f 0e 0f", "80"},
		step{"06/4f 0e 16", "80"},
		step{"06/4f 0e 20", "80"},
	)
}

// ipmitool 1.8.19 "mc getsysinfo" and FreeIPMI bmc-info read the first block.
func TestSystemInfo(t *testing.T) {
	r := newRig(t, statusOnly)
	r.Name = "a-name-of-twenty-six-bytes"
	r.talk(
		step{"06/59 80 02 00 00", "00 11"},
		step{"06/59 00 00 00 00", "00 11 00"},
		step{"06/59 00 02 00 00", "00 11 00 00 1a 61 2d 6e 61 6d 65 2d 6f 66 2d 74 77 65 6e"},
		step{"06/59 00 02 01 00", "00 11 01 74 79 2d 73 69 78 2d 62 79 74 65 73 00 00 00 00"},
		step{"06/59 00 02 02 00", "c9"},
		step{"06/59 00 03 00 00", "00 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
		step{"06/59 00 04 01 00", "c9"},
		step{"06/59 00 05 00 00", "80"},
		step{"06/59 00 ff 00 00", "80"},
	)
}
