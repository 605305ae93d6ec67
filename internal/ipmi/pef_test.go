package ipmi

import "testing"

// "ipmitool pef info" and "ipmitool pef status" read these.
func TestPEF(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"04/13 08 00 00", "00 11 00"}, // alert policies
		step{"04/10", "00 51 00 00"},
		step{"04/13 0a 00 00", "00 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
		step{"04/15", "00 ff ff ff ff ff ff 00 00 00 00"}, // an empty log
		step{"04/13 01 00 00", "00 11 00"},
		step{"04/13 02 00 00", "00 11 00"},

		step{addBooted, "00 01 00"},
		step{addBooted, "00 02 00"},
		step{"04/15", "00 " + noon + " 02 00 00 00 00 00"},
		step{"04/13 81 00 00", "00 11"},
		step{"04/13 03 00 00", "80"},
		step{"04/13 0c 00 00", "80"},
		step{"04/13 7f 00 00", "80"},
	)
}
