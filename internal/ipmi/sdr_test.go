package ipmi

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The records by the tables of §43, byte for byte.
var sdrRecords = []string{
	// Management controller device locator, table 43-12
	`01 00 51 12 15     # record ID, version, type, length of the rest
	 20 00 00 8f        # address, channel, no notifications, as Get Device ID says
	 00 00 00 06 01 00  # system management module, OEM
	 ca 53 68 49 50 4d 49 20 42 4d 43`, // "ShIPMI BMC"

	// Compact sensors, table 43-2
	`02 00 51 02 2b
	 20 00 01 07 01 03 42 22 6f # owner, number, system board, initialization, capabilities, type, sensor-specific
	 00 00 00 00 21 00          # events when entered, when left; states
	 c0 00 00 01 00 00 00 00 00 00 00
	 d0 41 43 50 49 20 50 6f 77 65 72 20 53 74 61 74 65`, // "ACPI Power State"
	`03 00 51 02 25
	 20 00 02 13 01 03 42 09 6f
	 23 00 00 00 21 00
	 c0 00 00 01 00 00 00 00 00 00 00
	 ca 50 6f 77 65 72 20 55 6e 69 74`, // "Power Unit"
	`04 00 51 02 23
	 20 00 03 06 01 03 42 23 6f
	 0f 00 00 00 0f 00
	 c0 00 00 01 00 00 00 00 00 00 00
	 c8 57 61 74 63 68 64 6f 67`, // "Watchdog"

	// Event-only, table 43-3
	`05 00 51 03 17
	 20 00 04 07 01 1d 6f 01 00 00 00
	 cb 53 79 73 74 65 6d 20 42 6f 6f 74`, // "System Boot"
	`06 00 51 03 17
	 20 00 05 23 01 20 6f 01 00 00 00
	 cb 4f 53 20 53 68 75 74 64 6f 77 6e`, // "OS Shutdown"
	`07 00 51 03 1a
	 20 00 06 07 01 13 6f 01 00 00 00
	 ce 44 69 61 67 20 49 6e 74 65 72 72 75 70 74`, // "Diag Interrupt"
	`08 00 51 03 15
	 20 00 07 06 01 10 6f 01 00 00 00
	 c9 45 76 65 6e 74 20 4c 6f 67`, // "Event Log"
}

func TestSDRs(t *testing.T) {
	r := newRig(t, statusOnly)
	id := "00 00"
	for i, text := range sdrRecords {
		bytes := strings.Fields(stripped(text))
		next := fmt.Sprintf("%02x 00", i+2)
		if i == len(sdrRecords)-1 {
			next = "ff ff"
		}
		want := "00 " + next + " " + strings.Join(bytes, " ")
		require.Equal(t, want, r.ask("0a/23 00 00 "+id+" 00 ff"), "FreeIPMI asks for all at once")

		// ipmitool reads the header, then as much as it says.
		length := fmt.Sprintf("%02x", len(bytes)-5)
		require.Equal(t, length, bytes[4])
		reserved := r.ask("0a/22")[3:]
		require.Equal(t, want[:9+5*3-1], r.ask("0a/23 00 00 "+id+" 00 05"))
		require.Equal(t, want[:9]+want[9+5*3:], r.ask("0a/23 "+reserved+" "+id+" 05 "+length))
		id = next
	}
}

func TestGetSDR(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"0a/20", "00 51 08 00 00 00 40 d9 02 6b ff ff ff ff 03"},
		step{"0a/23 00 00 09 00 00 ff", "cb"},
		step{"0a/23 00 00 fe ff 00 ff", "cb"},
		step{"0a/23 00 00 ff ff 00 05", "00 ff ff 08 00 51 03 15"}, // last
		step{"0a/23 00 00 01 00 05 01", "c5"},
		step{"0a/22", "00 81 ee"},
		step{"0a/23 80 ee 01 00 05 01", "c5"},
		step{"0a/23 81 ee 01 00 05 01", "00 02 00 20"},
		step{"0a/23 81 ee 01 00 19 01", "00 02 00 43"},
		step{"0a/23 81 ee 01 00 19 02", "ca"}, // one byte too many
		step{"0a/23 81 ee 01 00 1a 01", "c9"}, // behind the end
		step{"0a/23 81 ee 01 00 ff ff", "c9"},
		step{"0a/42", "00 81 ee"}, // of the log, not of the repository
		step{"0a/23 81 ee 01 00 05 01", "00 02 00 20"},
		step{"0a/22", "00 82 ee"},
		step{"0a/23 81 ee 01 00 05 01", "c5"},
		step{"0a/23 82 ee 01 00 05 01", "00 02 00 20"},
		step{"06/03", "00"},
		step{"0a/23 82 ee 01 00 05 01", "c5"},
	)
}

// Clients keep the records, and read them again only when this time has changed.
func TestRepositoryTime(t *testing.T) {
	digest := sha256.New()
	for _, r := range newRecords(nil) {
		digest.Write(r)
	}
	require.Equal(t, "1795348800: bc631541843d7148", fmt.Sprintf("%d: %.8x", repositoryTime, digest.Sum(nil)))
}
