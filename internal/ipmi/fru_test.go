package ipmi

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const withFRU = statusOnly + "[FRU]\nget=.\n"

// By the Platform Management FRU Information Storage Definition v1.0, §8, §11
// and §12.
const fruBytes = `
	01 00 00 01 05 00 00 f9        # version; board at 8, product at 40; checksum
	01 04 00 00 00 00              # board: 32 bytes, English, no date
	c4 41 43 4d 45                 # manufacturer "ACME"
	c9 52 6f 63 6b 65 74 20 32 30  # product "Rocket 20"
	c6 53 4e 2d 30 30 31           # serial number "SN-001"
	c0 c0 c1 08                    # part number, file ID, end, checksum
	01 05 00                       # product: 40 bytes, English
	c4 41 43 4d 45
	c9 52 6f 63 6b 65 74 20 32 30
	c0 c0                          # part number, version
	c6 53 4e 2d 30 30 31
	c2 37 20                       # asset tag "7": a single letter would end the area
	c0 c1                          # file ID, end
	00 00 00 00 00 00 00 2e
`

// emptyFRU is an inventory without any text.
const emptyFRU = `
	01 00 00 01 03 00 00 fb
	01 02 00 00 00 00 c0 c0 c0 c0 c0 c1 00 00 00 7c
	01 02 00 c0 c0 c0 c0 c0 c0 c0 c1 00 00 00 00 fc
`

func (r *rig) readFRU() string {
	r.t.Helper()
	size := unhex(r.t, r.ask("0a/10 00"))
	require.Len(r.t, size, 4)
	require.Zero(r.t, size[0])
	var all []byte
	for offset := 0; offset < int(size[1]); offset += 16 {
		part := unhex(r.t, r.ask("0a/11 00 "+fmt.Sprintf("%02x", offset)+" 00 10"))
		require.Zero(r.t, part[0])
		require.Len(r.t, part, 2+int(part[1]))
		all = append(all, part[2:]...)
	}
	require.Len(r.t, all, int(size[1]))
	return fmt.Sprintf("% x", all)
}

func TestFRUOfSettings(t *testing.T) {
	r := newRig(t, statusOnly)
	require.Equal(t, stripped(emptyFRU), r.readFRU())

	r.Machine.FRU = provider.FRU{Manufacturer: "ACME", Product: "Rocket 20", Serial: "SN-001", Asset: "7"}
	require.Equal(t, stripped(fruBytes), r.readFRU())
	require.Empty(t, r.scripts())
}

// The script runs when a client begins to read. A field that it does not know is as in
// the settings.
func TestFRUOfProvider(t *testing.T) {
	r := newRig(t, withFRU)
	r.Machine.FRU = provider.FRU{Manufacturer: "ACME", Product: "nothing", Asset: "7"}
	r.does[provider.FRUGet] = machine.Reading{FRU: provider.FRU{Product: "Rocket 20", Serial: "SN-001"}}
	require.Equal(t, stripped(fruBytes), r.readFRU())
	require.Equal(t, []string{"fru get"}, r.scripts())

	r.does[provider.FRUGet] = machine.Reading{FRU: provider.FRU{Product: "Rocket 30", Serial: "SN-001"}}
	r.talk(step{"0a/11 00 14 00 0a", "00 0a 52 6f 63 6b 65 74 20 32 30 c6"})
	require.Empty(t, r.scripts(), "a client reads the data that it began to read")
	require.Contains(t, r.readFRU(), "52 6f 63 6b 65 74 20 33 30")
	require.Len(t, r.scripts(), 1)

	r.talk(step{addBooted, "00 01 00"})
	r.restart()
	r.talk(step{"0a/11 00 00 00 01", "00 01 01"}, step{"0a/11 00 00 00 01", "00 01 01"})
	require.Len(t, r.scripts(), 1, "in a new process")
}

func TestFRUScriptFails(t *testing.T) {
	for _, c := range scriptErrors {
		r := newRig(t, withFRU)
		r.Machine.FRU = provider.FRU{Product: "Rocket 20"}
		r.does[provider.FRUGet] = machine.Reading{Err: c.err}
		r.talk(step{"0a/10 00", c.code}, step{"0a/11 00 00 00 08", c.code})
		r.does[provider.FRUGet] = machine.Reading{}
		r.talk(step{"0a/11 00 00 00 02", "00 02 01 00"})
	}
}

func TestReadFRUData(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"0a/10 00", "00 28 00 00"},
		step{"0a/10 01", "cb"}, step{"0a/10 ff", "cb"},
		step{"0a/11 01 00 00 08", "cb"}, step{"0a/11 ff 00 00 08", "cb"},
		step{"0a/11 00 00 00 00", "cc"}, // count from 1
		step{"0a/11 00 27 00 01", "00 01 fc"},
		step{"0a/11 00 26 00 ff", "00 02 00 fc"}, // only two bytes are left
		step{"0a/11 00 28 00 01", "c9"}, step{"0a/11 00 00 01 01", "c9"}, step{"0a/11 00 ff ff ff", "c9"},
	)
	require.Len(t, unhex(t, r.ask("0a/11 00 00 00 ff")), 1+1+32, "no more than every client takes")
}

func TestWriteFRUData(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"0a/12 00 00 00 01", "80"}, step{"0a/12 00 28 00 01 02", "80"}, step{"0a/12 01 00 00 01", "cb"},
	)
	require.Equal(t, stripped(emptyFRU), r.readFRU())
}
