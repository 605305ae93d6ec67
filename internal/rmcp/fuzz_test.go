package rmcp

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every request that was captured from a real client parses, down to its innermost message.
func TestRealRequests(t *testing.T) {
	for _, datagram := range requests(t) {
		class, rest, err := ParseHeader(datagram)
		require.NoError(t, err, "%x", datagram)
		if class == ClassASF {
			_, err = ParsePing(rest)
			require.NoError(t, err, "%x", datagram)
			continue
		}
		p, err := ParsePacket(rest)
		require.NoError(t, err, "%x", datagram)
		if p.Authenticated {
			require.Contains(t, []int{7, 32}, len(p.Payload), "%x", datagram)
			continue
		}
		require.True(t, p.Bare(), "%x", datagram)
		switch p.Type {
		case PayloadIPMI:
			_, err = ParseRequest(p.Payload)
		case PayloadOpenRequest:
			_, err = ParseOpenRequest(p.Payload)
		case PayloadRAKP1:
			_, err = ParseRAKP1(p.Payload)
		case PayloadRAKP3:
			_, err = ParseRAKP3(p.Payload)
		default:
			require.Fail(t, "no client sends this", "%x", datagram)
		}
		require.NoError(t, err, "%x", datagram)
	}
}

// A datagram that parses encodes to the same bytes, except for reserved bits.
func FuzzDatagram(f *testing.F) {
	for _, datagram := range requests(f) {
		f.Add(datagram)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		class, rest, err := ParseHeader(datagram)
		switch {
		case err != nil:
			require.ErrorIs(t, err, ErrMalformed)
		case class == ClassASF:
			fuzzPing(t, rest)
		case class == ClassIPMI:
			fuzzPacket(t, rest)
		}
	})
}

func fuzzPing(t *testing.T, b []byte) {
	p, err := ParsePing(b)
	if err != nil {
		require.ErrorIs(t, err, ErrMalformed)
		return
	}
	require.Equal(t, []byte{0, 0, 0x11, 0xBE, 0x80, p.Tag}, b[:6])
	require.LessOrEqual(t, 8+int(b[7]), len(b))
	require.Len(t, p.AppendPong(nil), 28)
}

func fuzzPacket(t *testing.T, b []byte) {
	p, err := ParsePacket(b)
	if err != nil {
		require.ErrorIs(t, err, ErrMalformed)
		return
	}
	switch {
	case p.Bare() && p.AuthType == AuthNone:
		require.Equal(t, b[:v15HeaderLen+len(p.Payload)], AppendV15Packet(nil, p.Payload)[headerLen:])
	case p.Bare():
		require.Equal(t, b, AppendPacket(nil, p.Type, p.Payload)[headerLen:])
	}
	for _, codeLen := range []int{12, 16} {
		fuzzTrailer(t, b, p, codeLen)
	}
	fuzzPayloads(t, bytes.Clone(p.Payload))
}

func fuzzTrailer(t *testing.T, b []byte, p Packet, codeLen int) {
	covered, code, err := p.Trailer(codeLen)
	if err != nil {
		require.ErrorIs(t, err, ErrMalformed)
		return
	}
	require.Equal(t, b, append(covered[:len(covered):len(covered)], code...))
	if p.Encrypted && p.Authenticated {
		again := AppendSealedHeader(nil, p.Type, p.SessionID, p.Sequence, len(p.Payload))
		again = AppendTrailer(append(again, p.Payload...), len(p.Payload))
		require.Equal(t, covered, Covered(again))
	}
}

func fuzzPayloads(t *testing.T, b []byte) {
	if r, err := ParseRequest(b); err == nil {
		require.Equal(t, b, encodeRequest(r))
	} else {
		require.ErrorIs(t, err, ErrMalformed)
	}
	if m, err := ParseOpenRequest(b); err == nil {
		again, err := ParseOpenRequest(encodeOpenRequest(m))
		require.NoError(t, err)
		require.Equal(t, m, again)
	} else {
		require.ErrorIs(t, err, ErrMalformed)
	}
	if m, err := ParseRAKP1(b); err == nil {
		copy(b[1:4], "\x00\x00\x00")
		copy(b[25:27], "\x00\x00")
		require.Equal(t, b, encodeRAKP1(m))
	} else {
		require.ErrorIs(t, err, ErrMalformed)
	}
	if m, err := ParseRAKP3(b); err == nil {
		copy(b[2:4], "\x00\x00")
		require.Equal(t, b, encodeRAKP3(m))
	} else {
		require.ErrorIs(t, err, ErrMalformed)
	}
}

func encodeRequest(r Request) []byte {
	b := []byte{r.RsAddr, byte(r.NetFn)<<2 | r.RsLUN, 0, r.RqAddr, r.RqSeq<<2 | r.RqLUN, r.Cmd}
	b = append(b, r.Data...)
	b[2] = -(b[0] + b[1])
	last := byte(0)
	for _, v := range b[3:] {
		last -= v
	}
	return append(b, last)
}

func encodeOpenRequest(m OpenRequest) []byte {
	b := []byte{m.Tag, byte(m.Privilege), 0, 0}
	b = binary.LittleEndian.AppendUint32(b, m.ClientID)
	for kind, algorithm := range []byte{byte(m.Auth), byte(m.Integrity), byte(m.Confidentiality)} {
		length := byte(algorithmLen)
		if algorithm == AnyAlgorithm {
			length, algorithm = 0, 0
		}
		b = append(b, byte(kind), 0, 0, length, algorithm, 0, 0, 0)
	}
	return b
}

func encodeRAKP1(m RAKP1) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{m.Tag, 0, 0, 0}, m.ManagedID)
	b = append(b, m.Random[:]...)
	b = append(b, byte(m.Role), 0, 0, byte(len(m.Name)))
	return append(b, m.Name...)
}

func encodeRAKP3(m RAKP3) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{m.Tag, byte(m.Status), 0, 0}, m.ManagedID)
	return append(b, m.AuthCode...)
}

// What a client receives is malformed, or encodes to the same bytes where there is an encoder.
func FuzzAnswers(f *testing.F) {
	for _, vector := range []string{openResponseVector, rakp2Vector, rakp4Vector} {
		_, rest, err := ParseHeader(unhex(f, vector))
		require.NoError(f, err)
		p, err := ParsePacket(rest)
		require.NoError(f, err)
		f.Add(p.Payload)
	}
	f.Add(unhex(f, "81 04 7b  20 04 01 00  61 10 40  2a"))
	f.Add(unhex(f, "00000000 ff00 ff00 6f02 ffff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ParseOpenResponse(b); err != nil {
			require.ErrorIs(t, err, ErrMalformed)
		}
		if m, err := ParseRAKP2(b); err == nil {
			again, err := ParseRAKP2(m.Append(nil))
			require.NoError(t, err)
			require.Equal(t, m, again)
		}
		if m, err := ParseRAKP4(b); err == nil {
			again, err := ParseRAKP4(m.Append(nil))
			require.NoError(t, err)
			require.Equal(t, m, again)
		}
		if r, err := ParseResponse(b); err == nil {
			require.Zero(t, r.NetFn&1)
		}
		if n, err := ParseSOLActivation(b); err == nil {
			require.True(t, n > 0 && n <= MaxCharacters)
		}
	})
}
