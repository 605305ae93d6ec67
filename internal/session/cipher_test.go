package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// inSession returns a rig and a client with a session.
func inSession(t testing.TB, suite byte) (*rig, *console.Console) {
	r, c := newRig(t), console.New(t, suite)
	c.Login(r.from(c))
	return r, c
}

func eachSuite(t *testing.T, test func(t *testing.T, suite byte)) {
	for _, suite := range []byte{3, 17} {
		t.Run(fmt.Sprintf("suite %d", suite), func(t *testing.T) { test(t, suite) })
	}
}

// Payloads of 0 to 47 bytes need each length of the confidentiality pad three times.
func TestEveryPadLength(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := inSession(t, suite)
		for n := range 48 {
			r.requireEcho(c, strings.Repeat("x", n))
		}
	})
}

func TestBadPad(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := inSession(t, suite)
		refused := func(name string, b []byte) {
			t.Helper()
			require.Nil(t, r.send(c, b), name)
		}
		for n := range 15 { // 15 bytes need no pad
			c.Sequence++
			refused("pad from 0", c.Seal(c.Sequence, make([]byte, n), 0))
			c.Sequence++
			refused("pad from 2", c.Seal(c.Sequence, make([]byte, n), 2))
		}
		for pad := 16; pad < 256; pad++ {
			text := make([]byte, 32)
			for i := range text {
				text[i] = byte(i + 1)
			}
			text[31] = byte(pad)
			c.Sequence++
			refused("pad too long", c.SealText(c.Sequence, text))
		}
		for _, pad := range [][]byte{
			{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 14}, // one more than its number
			{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 2},        // last one
			{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2},        // first one
		} {
			c.Sequence++
			refused("pad bytes", c.SealText(c.Sequence, pad))
		}
		r.requireEcho(c, "still there")
	})
}

// The payload is shorter than one block of text, or not a whole number of blocks.
func TestBadPayloadLength(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := inSession(t, suite)
		for n := range 64 {
			if n == 32 || n == 48 {
				continue
			}
			c.Sequence++
			require.Nil(t, r.send(c, c.Sign(console.Datagram(0xC0, c.SIDc, c.Sequence, make([]byte, n)))), "%d bytes", n)
		}
		r.requireEcho(c, "still there")
	})
}

// A packet with any bit changed is refused. The genuine packet is accepted after that, and is not taken for a duplicate.
func TestEveryBitIsAuthenticated(t *testing.T) {
	const header = 4 // the RMCP header is not covered
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := inSession(t, suite)
		genuine := c.Packet("a request")
		for bit := header * 8; bit < len(genuine)*8; bit++ {
			forged := bytes.Clone(genuine)
			forged[bit/8] ^= 1 << (bit % 8)
			p, err := rmcp.ParsePacket(forged[header:])
			if err != nil {
				require.ErrorIs(t, err, rmcp.ErrMalformed)
				continue
			}
			s, _, err := r.Receive(p, c.Peer, r.now)
			require.ErrorIs(t, err, errAuth, "bit %d", bit)
			require.Nil(t, s)
		}
		require.Equal(t, "ok", outcome(r.send(c, genuine)))
	})
}

// A session accepts only packets that are authenticated and encrypted.
func TestUnprotectedPackets(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := inSession(t, suite)
		plain := []byte("\x20\x18\xc8\x81\x04\x01\x7a")
		stranger := *c
		stranger.K1 = make([]byte, len(c.K1))
		for name, b := range map[string][]byte{
			"neither":             console.Datagram(0x00, c.SIDc, 1, plain),
			"signed only":         c.Sign(console.Datagram(0x40, c.SIDc, 1, plain)),
			"encrypted only":      console.Datagram(0x80, c.SIDc, 1, c.Packet("x")[16:48]),
			"said to be in clear": c.Sign(console.Datagram(0x40, c.SIDc, 1, c.Packet("x")[16:48])),
			"said to be unsigned": c.Sign(console.Datagram(0x80, c.SIDc, 1, c.Packet("x")[16:48])),
			"with another K1":     stranger.Packet("x"),
			"trailing byte":       append(c.Packet("x"), 0),
			"without code":        c.Packet("x")[:52],
			"sequence number 0":   c.Seal(0, plain, 1),
			"IPMI 1.5 framing":    v15(c.SIDc, plain),
		} {
			require.Nil(t, r.send(c, b), name)
		}
		r.requireEcho(c, "still there")
	})
}

// v15 returns a packet in IPMI 1.5 framing with a session ID.
func v15(sid uint32, plain []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{0x06, 0, 0xFF, 0x07, 0x00, 1, 0, 0, 0}, sid)
	return append(append(b, byte(len(plain))), plain...)
}
