package rmcp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// sessionPacket returns the part of a datagram that ParsePacket reads.
func sessionPacket(t *testing.T, datagram string) []byte {
	t.Helper()
	class, b, err := ParseHeader(unhex(t, datagram))
	require.NoError(t, err)
	require.Equal(t, ClassIPMI, class)
	return b
}

func TestPacketOutsideASession(t *testing.T) {
	for name, tt := range map[string]struct {
		datagram string
		authType AuthType
		kind     PayloadType
	}{
		"IPMI in IPMI 1.5 framing": {authCapabilitiesVector, AuthNone, PayloadIPMI},
		"its response":             {authCapabilitiesAnswer, AuthNone, PayloadIPMI},
		"IPMI in RMCP+ framing":    {cipherSuitesVector, AuthRMCP, PayloadIPMI},
		"its response in RMCP+":    {cipherSuitesAnswer, AuthRMCP, PayloadIPMI},
		"Open Session Request":     {openRequestVector, AuthRMCP, PayloadOpenRequest},
		"Open Session Response":    {openResponseVector, AuthRMCP, PayloadOpenResponse},
		"RAKP Message 1":           {rakp1Vector, AuthRMCP, PayloadRAKP1},
		"RAKP Message 2":           {rakp2Vector, AuthRMCP, PayloadRAKP2},
		"RAKP Message 3":           {rakp3Vector, AuthRMCP, PayloadRAKP3},
		"RAKP Message 4":           {rakp4Vector, AuthRMCP, PayloadRAKP4},
	} {
		t.Run(name, func(t *testing.T) {
			p := requireWhole(t, ParsePacket, sessionPacket(t, tt.datagram))
			require.Equal(t, tt.authType, p.AuthType)
			require.Equal(t, tt.kind, p.Type)
			require.True(t, p.Bare())

			datagram := unhex(t, tt.datagram)
			if tt.authType == AuthNone {
				require.Equal(t, datagram, AppendV15Packet(nil, p.Payload))
			} else {
				require.Equal(t, datagram, AppendPacket(nil, tt.kind, p.Payload))
			}
		})
	}
}

func TestPacketOfASession(t *testing.T) {
	p, err := ParsePacket(sessionPacket(t, sealedVector))
	require.NoError(t, err)
	require.Equal(t, AuthRMCP, p.AuthType)
	require.Equal(t, PayloadIPMI, p.Type)
	require.True(t, p.Encrypted)
	require.True(t, p.Authenticated)
	require.Equal(t, uint32(0x11223344), p.SessionID)
	require.Equal(t, uint32(4), p.Sequence)
	require.Len(t, p.Payload, 32)
	require.False(t, p.Bare())

	p, err = ParsePacket(sessionPacket(t, unencryptedVector))
	require.NoError(t, err)
	require.False(t, p.Encrypted)
	require.True(t, p.Authenticated)
	require.Equal(t, unhex(t, "20 00 e0 81 04 01 7a"), p.Payload)
}

// Some clients append the pad byte of IPMI 1.5. It is accepted in IPMI 1.5 framing only.
func TestTrailingByte(t *testing.T) {
	p, err := ParsePacket(sessionPacket(t, authCapabilitiesVector+"00"))
	require.NoError(t, err)
	require.True(t, p.Bare())
	require.Equal(t, unhex(t, "20 18 c8  81 00 38  8e 04  b5"), p.Payload)

	p, err = ParsePacket(sessionPacket(t, openRequestVector+"00"))
	require.NoError(t, err)
	require.False(t, p.Bare())
}

func TestNotBare(t *testing.T) {
	for name, packet := range map[string]string{
		"session ID":                "06 00  01000000 00000000 0000",
		"session sequence number":   "06 00  00000000 00000001 0000",
		"authenticated":             "06 40  00000000 00000000 0000",
		"encrypted":                 "06 80  00000000 00000000 0000",
		"IPMI 1.5, session ID":      "00     00000000 00000080 00",
		"IPMI 1.5, sequence number": "00     01000000 00000000 00",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePacket(unhex(t, packet))
			require.NoError(t, err)
			require.False(t, p.Bare())
		})
	}
}

func TestParsePacketRefuses(t *testing.T) {
	for name, packet := range map[string]string{
		"IPMI 1.5 with MD5":      "02 00000000 00000000 000102030405060708090a0b0c0d0e0f 00",
		"IPMI 1.5 with password": "04 00000000 00000000 000102030405060708090a0b0c0d0e0f 00",
		"reserved format bits":   "16 00 00000000 00000000 0000",
		"OEM payload":            "06 02 57010000 0000 00000000 00000000 0000",
		"sealed OEM payload":     "06 c2 57010000 0000 00000000 00000000 0000",
		"length beyond the end":  "06 00 00000000 00000000 0100",
		"largest length":         "06 00 00000000 00000000 ffff 20",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePacket(unhex(t, packet))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}
