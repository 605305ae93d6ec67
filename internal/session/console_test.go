package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// A console is the other end of the wire. It speaks in whole datagrams and is
// written from the specification on the standard library alone: it shares
// neither the codec nor the cryptography of what it tests.
type console struct {
	t              testing.TB
	suite          byte // 3 or 17
	name, password string
	kg             string // instead of the password, where it is set
	role           byte
	tag            byte
	peer           netip.AddrPort

	sidm, sidc   uint32
	rm, rc, guid [16]byte
	sik, k1, k2  []byte
	sequence     uint32 // last sent
}

func newConsole(t testing.TB, suite byte) *console {
	c := &console{
		t: t, suite: suite, name: "admin", password: "correct horse", role: 0x14,
		peer: netip.MustParseAddrPort("192.0.2.1:50000"), sidm: 0xA0A2A3A4,
	}
	rand.Read(c.rm[:])
	return c
}

func (c *console) hash() (create func() hash.Hash, integrityLen int) {
	if c.suite == 17 {
		return sha256.New, 16
	}
	return sha1.New, 12
}

func (c *console) hmac(key []byte, parts ...any) []byte {
	create, _ := c.hash()
	mac := hmac.New(create, key)
	for _, p := range parts {
		if text, ok := p.(string); ok {
			p = []byte(text)
		}
		require.NoError(c.t, binary.Write(mac, binary.LittleEndian, p))
	}
	return mac.Sum(nil)
}

// datagram puts a payload into an RMCP+ packet.
func datagram(kind byte, sid, sequence uint32, payload []byte) []byte {
	b := []byte{0x06, 0x00, 0xFF, 0x07, 0x06, kind}
	b = binary.LittleEndian.AppendUint32(b, sid)
	b = binary.LittleEndian.AppendUint32(b, sequence)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

func (c *console) open() []byte {
	auth, integrity := byte(1), byte(1)
	if c.suite == 17 {
		auth, integrity = 3, 4
	}
	b := binary.LittleEndian.AppendUint32([]byte{c.tag, 0, 0, 0}, c.sidm)
	b = append(b, 0, 0, 0, 8, auth, 0, 0, 0)
	b = append(b, 1, 0, 0, 8, integrity, 0, 0, 0)
	b = append(b, 2, 0, 0, 8, 1, 0, 0, 0)
	return datagram(0x10, 0, 0, b)
}

func (c *console) rakp1() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{c.tag, 0, 0, 0}, c.sidc)
	b = append(b, c.rm[:]...)
	b = append(b, c.role, 0, 0, byte(len(c.name)))
	return datagram(0x12, 0, 0, append(b, c.name...))
}

func (c *console) rakp3() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{c.tag, 0, 0, 0}, c.sidc)
	return datagram(0x14, 0, 0, append(b, c.hmac([]byte(c.password), c.rc, c.sidm, c.role, byte(len(c.name)), c.name)...))
}

// readOpen takes the answer to open.
func (c *console) readOpen(answer []byte) {
	c.requireSetup(answer, 0x11, 36)
	c.sidc = binary.LittleEndian.Uint32(answer[24:])
	require.NotZero(c.t, c.sidc)
	require.Equal(c.t, c.open()[24:], answer[28:], "algorithms")
}

// readRAKP2 takes the answer to rakp1, checks that the BMC knows the password,
// and derives the keys.
func (c *console) readRAKP2(answer []byte) {
	code := c.learnRAKP2(answer)
	require.Equal(c.t, c.hmac([]byte(c.password), c.sidm, c.sidc, c.rm, c.rc, c.guid, c.role, byte(len(c.name)), c.name), code)
}

// learnRAKP2 is readRAKP2 without the check.
func (c *console) learnRAKP2(answer []byte) (code []byte) {
	create, _ := c.hash()
	c.requireSetup(answer, 0x13, 40+create().Size())
	c.rc, c.guid = [16]byte(answer[24:40]), [16]byte(answer[40:56])
	key := c.kg
	if key == "" {
		key = c.password
	}
	c.sik = c.hmac([]byte(key), c.rm, c.rc, c.role, byte(len(c.name)), c.name)
	c.k1 = c.hmac(c.sik, [20]byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	c.k2 = c.hmac(c.sik, [20]byte{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2})
	return answer[56:]
}

// readRAKP4 takes the answer to rakp3.
func (c *console) readRAKP4(answer []byte) {
	_, n := c.hash()
	c.requireSetup(answer, 0x15, 8+n)
	require.Equal(c.t, c.hmac(c.sik, c.rm, c.sidc, c.guid)[:n], answer[24:])
}

func (c *console) requireSetup(answer []byte, kind byte, length int) {
	c.t.Helper()
	require.Len(c.t, answer, 16+length)
	require.Equal(c.t, datagram(kind, 0, 0, answer[16:]), answer)
	require.Equal(c.t, []byte{c.tag, 0}, answer[16:18], "tag and status")
	require.Equal(c.t, c.sidm, binary.LittleEndian.Uint32(answer[20:]))
}

// login goes through the whole of the key exchange.
func (c *console) login(m *machine) {
	c.t.Helper()
	c.readOpen(m.send(c, c.open()))
	c.readRAKP2(m.send(c, c.rakp1()))
	c.readRAKP4(m.send(c, c.rakp3()))
}

// packet is the next one in the session.
func (c *console) packet(plain string) []byte {
	c.sequence++
	return c.seal(c.sequence, []byte(plain), 0x01)
}

// seal pads from the given number on: 1, as the specification has it, or wrongly.
func (c *console) seal(sequence uint32, plain []byte, firstPad byte) []byte {
	text := append([]byte(nil), plain...)
	pad := 15 - len(plain)%16
	for i := range pad {
		text = append(text, firstPad+byte(i))
	}
	return c.sealText(sequence, append(text, byte(pad)))
}

// sealText encrypts and signs whole blocks.
func (c *console) sealText(sequence uint32, text []byte) []byte {
	block, err := aes.NewCipher(c.k2[:16])
	require.NoError(c.t, err)
	payload := make([]byte, 16+len(text))
	rand.Read(payload[:16])
	cipher.NewCBCEncrypter(block, payload[:16]).CryptBlocks(payload[16:], text)
	return c.sign(datagram(0xC0, c.sidc, sequence, payload))
}

// sign appends the session trailer.
func (c *console) sign(b []byte) []byte {
	pad := -(len(b) - 4 + 2) & 3
	b = append(b, "\xFF\xFF\xFF"[:pad]...)
	b = append(b, byte(pad), 0x07)
	_, n := c.hash()
	return append(b, c.hmac(c.k1, b[4:])[:n]...)
}

// read opens a packet of the BMC and returns its sequence number and plaintext.
func (c *console) read(b []byte) (sequence uint32, plain string) {
	c.t.Helper()
	_, n := c.hash()
	require.Greater(c.t, len(b), 16+32+n)
	signed := len(b) - n
	length := int(binary.LittleEndian.Uint16(b[14:]))
	require.Equal(c.t, b[signed:], c.hmac(c.k1, b[4:signed])[:n], "authentication code")
	require.Equal(c.t, []byte{0xFF, 0xFF, 0x02, 0x07}, b[16+length:signed], "trailer")

	sequence = binary.LittleEndian.Uint32(b[10:])
	payload := b[16 : 16+length]
	require.Equal(c.t, datagram(0xC0, c.sidm, sequence, payload), b[:16+length])

	block, err := aes.NewCipher(c.k2[:16])
	require.NoError(c.t, err)
	text := make([]byte, length-16)
	cipher.NewCBCDecrypter(block, payload[:16]).CryptBlocks(text, payload[16:])
	end := len(text) - 1 - int(text[len(text)-1])
	for i, v := range text[end : len(text)-1] {
		require.Equal(c.t, byte(i+1), v, "confidentiality pad")
	}
	return sequence, string(text[:end])
}
