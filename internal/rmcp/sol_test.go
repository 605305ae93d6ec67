package rmcp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What clients send and what they are sent, as their sources have it: ipmitool 1.8.19, FreeIPMI 1.6.10, pyghmi 1.5.
var solVectors = map[string]struct {
	wire string
	want SOL
}{
	"two characters": {
		`03    # packet number
		 00    # acknowledges nothing
		 00    # accepted characters
		 00    # no operation
		 6c 73 # characters`,
		SOL{Number: 3, Data: []byte("ls")},
	},
	"acknowledgment": {
		`00    # not acknowledged itself
		 0c    # acknowledges packet 12
		 ff    # all its 255 characters
		 00`,
		SOL{Acked: 12, Accepted: 255, Data: []byte{}},
	},
	"break":      {"07 00 00 10", SOL{Number: 7, Flags: SOLBreak, Data: []byte{}}},
	"keep-alive": {"0f 00 00 00", SOL{Number: 15, Data: []byte{}}},
	"acknowledgment with output": {
		"05 03 02 00 6c 73",
		SOL{Number: 5, Acked: 3, Accepted: 2, Data: []byte("ls")},
	},
	"deactivated": {"00 00 00 10", SOL{Flags: SOLDeactivated, Data: []byte{}}},
	"NACK, no room": {
		"00 01 03 60",
		SOL{Acked: 1, Accepted: 3, Flags: SOLNack | SOLUnavailable, Data: []byte{}},
	},
}

func TestSOL(t *testing.T) {
	for name, tt := range solVectors {
		t.Run(name, func(t *testing.T) {
			wire := unhex(t, tt.wire)
			for n := range solHeaderLen {
				_, err := ParseSOL(wire[:n])
				require.ErrorIs(t, err, ErrMalformed, "%d bytes", n)
			}
			p, err := ParseSOL(wire)
			require.NoError(t, err)
			require.Equal(t, tt.want, p)
			require.Equal(t, append(unhex(t, "c0ffee"), wire...), p.Append(unhex(t, "c0ffee")))
		})
	}
}

// pyghmi does not count the header: told that 255 bytes fit, it sends 255 characters.
func TestASOLPacketHasUpTo255Characters(t *testing.T) {
	payload := make([]byte, 4+255)
	payload[0] = 1
	p, err := ParseSOL(payload)
	require.NoError(t, err)
	require.Len(t, p.Data, 255)

	_, err = ParseSOL(append(payload, 0))
	require.ErrorIs(t, err, ErrMalformed)
}

func TestParseSOLIgnoresReservedBits(t *testing.T) {
	p, err := ParseSOL(unhex(t, "f3 fc 01 00 61"))
	require.NoError(t, err)
	require.Equal(t, SOL{Number: 3, Acked: 12, Accepted: 1, Data: []byte("a")}, p)
}

func TestParseSOLRefusesCharactersWithoutANumber(t *testing.T) {
	_, err := ParseSOL(unhex(t, "00 01 01 00 61"))
	require.ErrorIs(t, err, ErrMalformed)
}

func TestSOLNumbersRunFrom1To15(t *testing.T) {
	n := SOLNumber(0)
	for i := range SOLNumber(31) {
		n = n.Next()
		require.Equal(t, i%15+1, n)
	}
}

func TestAppendSOLActivation(t *testing.T) {
	require.Equal(t, unhex(t, `
		c0ffee
		00000000 # no test mode
		ff00     # inbound payload size
		ff00     # outbound payload size
		6f02     # UDP port 623
		ffff     # no VLAN`), AppendSOLActivation(unhex(t, "c0ffee"), 623))
}

func TestParseSOLActivation(t *testing.T) {
	for wire, want := range map[string]int{
		"00000000 ff00 ff00 6f02 ffff": 251,
		"00000000 0500 ff00 6f02 ffff": 1,
		"00000000 ffff ff00 6f02 ffff": 255,
	} {
		got := requireWhole(t, ParseSOLActivation, unhex(t, wire))
		require.Equal(t, want, got)
	}
	_, err := ParseSOLActivation(unhex(t, "00000000 0400 ff00 6f02 ffff"))
	require.ErrorIs(t, err, ErrMalformed)
}

// A packet that parses encodes to the same bytes, except for reserved bits.
func FuzzSOL(f *testing.F) {
	for _, v := range solVectors {
		f.Add(unhex(f, v.wire))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseSOL(b)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		require.LessOrEqual(t, len(p.Data), MaxCharacters)
		want := append([]byte(nil), b...)
		want[0] &= 0x0F
		want[1] &= 0x0F
		require.Equal(t, want, p.Append(nil))
	})
}
