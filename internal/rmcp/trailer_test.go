package rmcp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrailer(t *testing.T) {
	for name, datagram := range map[string]string{
		"pad of two, after encryption": sealedVector,
		"pad of three, in clear":       unencryptedVector,
	} {
		t.Run(name, func(t *testing.T) {
			b := unhex(t, datagram)
			p, err := ParsePacket(b[headerLen:])
			require.NoError(t, err)

			covered, code, err := p.Trailer(12)
			require.NoError(t, err)
			require.Equal(t, b[headerLen:len(b)-12], covered)
			require.Equal(t, b[len(b)-12:], code)
			require.Equal(t, covered, Covered(b[:len(b)-12]))

			end := headerLen + sessionHeaderLen + len(p.Payload)
			require.Equal(t, b[:len(b)-12], AppendTrailer(bytes.Clone(b[:end]), len(p.Payload)))
		})
	}
}

// The session header has 12 bytes. The trailer has the pad and 2 bytes before the code.
func TestIntegrityPad(t *testing.T) {
	for payload, trailer := range map[int]string{
		6:  "00 07",
		7:  "ff ff ff 03 07",
		8:  "ff ff 02 07",
		9:  "ff 01 07",
		10: "00 07",
		11: "ff ff ff 03 07",
		32: "ff ff 02 07",
		33: "ff 01 07",
		34: "00 07",
		35: "ff ff ff 03 07",
	} {
		b := AppendSealedHeader(nil, PayloadIPMI, 0x11223344, 4, payload)
		b = append(b, make([]byte, payload)...)
		require.Equal(t, unhex(t, trailer), AppendTrailer(nil, payload), "%d bytes", payload)
		b = AppendTrailer(b, payload)
		covered := Covered(b)
		require.Zero(t, len(covered)%4, "%d bytes", payload)

		b = append(b, "0123456789abcdef"...)
		p, err := ParsePacket(b[headerLen:])
		require.NoError(t, err)
		got, code, err := p.Trailer(16)
		require.NoError(t, err, "%d bytes", payload)
		require.Equal(t, covered, got)
		require.Equal(t, []byte("0123456789abcdef"), code)
	}
}

func TestTrailerRefuses(t *testing.T) {
	const (
		header = "06 40 44332211 04000000 0700  20 00 e0 81 04 01 7a"
		code   = "a1a2a3a4a5a6a7a8a9aaabac"
	)
	for name, trailer := range map[string]string{
		"nothing":             "",
		"no code":             "ffffff 03 07",
		"code one byte short": "ffffff 03 07 a1a2a3a4a5a6a7a8a9aaab",
		"one byte too many":   "ffffff 03 07 00" + code,
		"no pad":              "00 07" + code,
		"four pad bytes more": "ffffffffffffff 07 07" + code,
		"first pad byte":      "00ffff 03 07" + code,
		"last pad byte":       "fffffe 03 07" + code,
		"pad length too low":  "ffffff 02 07" + code,
		"pad length too high": "ffffff 04 07" + code,
		"next header":         "ffffff 03 06" + code,
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePacket(unhex(t, header+trailer))
			require.NoError(t, err)
			_, _, err = p.Trailer(12)
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

// A trailer with an authentication code of another length is refused.
func TestTrailerOfAnotherAlgorithm(t *testing.T) {
	p, err := ParsePacket(sessionPacket(t, sealedVector))
	require.NoError(t, err)
	_, _, err = p.Trailer(16)
	require.ErrorIs(t, err, ErrMalformed)
}

func TestTrailerOfIPMI15Packet(t *testing.T) {
	p, err := ParsePacket(sessionPacket(t, authCapabilitiesVector))
	require.NoError(t, err)
	_, _, err = p.Trailer(12)
	require.ErrorIs(t, err, ErrMalformed)
}
