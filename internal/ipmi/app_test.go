package ipmi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// The minor revision is BCD, and both have an end.
func TestFirmwareRevision(t *testing.T) {
	for revision, want := range map[[2]byte]string{
		{0, 0}:     "00 00",
		{1, 9}:     "01 09",
		{2, 10}:    "02 10",
		{3, 99}:    "03 99",
		{4, 100}:   "04 99",
		{127, 255}: "7f 99",
	} {
		r := newRig(t, statusOnly)
		r.Firmware = revision
		require.Equal(t, "00 20 01 "+want+" 02 8f 00 00 00 00 00", r.ask("06/01"))
	}
}

func TestResets(t *testing.T) {
	r := newRig(t, fullService)
	r.talk(step{"00/08 00 01", "00"}, step{"00/08 05 c0 04 00 00 00", "00"}, step{"06/03", "00"})
	require.Empty(t, r.ends)
	r.talk(step{"00/09 00 00 00", "00 01 00 00"}, step{"00/08 00 01", "00"}, step{"06/02", "00"})
	require.Equal(t, []uint32{0x11223344, 0x55667788}, r.ends, "all sessions, once the answer has left")
	r.talk(step{"00/09 00 00 00", "00 01 00 00"}, step{"00/09 05 00 00", "00 01 05 c0 04 00 00 00"})
	require.Equal(t, []string{"boot set network persistent"}, r.scripts(), "the machine does not notice")
}

func TestChannelAuthenticationCapabilities(t *testing.T) {
	r := newRig(t, statusOnly)
	r.session = &Session{}
	r.talk(
		step{"06/38 8e 04", "00 01 80 04 02 00 00 00 00"}, // ipmitool, FreeIPMI
		step{"06/38 81 02", "00 01 80 04 02 00 00 00 00"},
		step{"06/38 8e 05", "00 01 80 04 02 00 00 00 00"},
		step{"06/38 0e 02", "00 01 00 04 00 00 00 00 00"}, // ipmiping: nothing that IPMI 1.5 has no word for
		step{"06/38 01 01", "00 01 00 04 00 00 00 00 00"},
	)
	r.KgSet = true
	r.talk(
		step{"06/38 8e 04", "00 01 80 24 02 00 00 00 00"},
		step{"06/38 0e 04", "00 01 00 04 00 00 00 00 00"},
	)
	for _, request := range []string{
		"8e 00", "8e 06", "8e 0f", "80 04", "82 04", "8f 04", // level, channel
		"9e 04", "ae 04", "ce 04", "8e 14", "8e 24", "8e 44", "8e 84", // reserved bits
	} {
		require.Equal(t, "cc", r.ask("06/38 "+request), request)
	}
}

func TestChannelCipherSuites(t *testing.T) {
	r := newRig(t, statusOnly)
	r.session = &Session{}
	r.talk(
		step{"06/54 0e 00 80", "00 01 c0 03 01 41 81 c0 11 03 44 81"},
		step{"06/54 01 01 80", "00 01 c0 03 01 41 81 c0 11 03 44 81"},
		step{"06/54 0e 00 81", "00 01"}, // a page too many
		step{"06/54 0e 00 bf", "00 01"},
		step{"06/54 0e 00 00", "00 01 01 03 41 44 81"}, // the algorithms
		step{"06/54 0e 00 01", "00 01"},
		step{"06/54 0e 02 80", "80"},
		step{"06/54 0e 3f 80", "80"},
	)
	for _, request := range []string{
		"0f 00 80", "00 00 80", "02 00 80", // channel
		"1e 00 80", "2e 00 80", "4e 00 80", "8e 00 80", "0e 40 80", "0e 80 80", "0e 00 c0", // reserved bits
	} {
		require.Equal(t, "cc", r.ask("06/54 "+request), request)
	}

	r.Suites = []rmcp.Suite{rmcp.Suite17}
	r.talk(step{"06/54 0e 00 80", "00 01 c0 11 03 44 81"}, step{"06/54 0e 00 00", "00 01 03 44 81"})
}

// Sixteen bytes are a page; a full page is followed by another, even an empty one.
func TestCipherSuitePages(t *testing.T) {
	r := newRig(t, statusOnly)
	r.Suites = make([]rmcp.Suite, 16) // 80 bytes
	for page := range 5 {
		require.Len(t, unhex(t, r.ask("06/54 0e 00 8"+string(rune('0'+page)))), 1+1+16)
	}
	require.Equal(t, "00 01", r.ask("06/54 0e 00 85"))
	r.Suites = r.Suites[:4] // 20 bytes
	require.Len(t, unhex(t, r.ask("06/54 0e 00 80")), 1+1+16)
	require.Len(t, unhex(t, r.ask("06/54 0e 00 81")), 1+1+4)
}
