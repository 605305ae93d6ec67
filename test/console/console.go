// Package console is the other end of the wire, for tests: a remote console that
// speaks in whole datagrams. It is written from the specification on the
// standard library alone, and shares neither the codec nor the cryptography of
// the code it tests. Start reading at Console.Login.
package console

import (
	"bytes"
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

// A Console is one remote console, with at most one session.
type Console struct {
	Suite          byte // 3 or 17
	Name, Password string
	Kg             string // instead of the password, where it is set
	Role           byte
	Tag            byte
	Peer           netip.AddrPort
	SIDm, SIDc     uint32
	RM, RC, GUID   [16]byte
	SIK, K1, K2    []byte
	Sequence       uint32 // last sent in the session

	t testing.TB
}

// New returns a console of the user "admin" that asks for administrator level.
func New(t testing.TB, suite byte) *Console {
	c := &Console{
		t: t, Suite: suite, Name: "admin", Password: "correct horse", Role: 0x14,
		Peer: netip.MustParseAddrPort("192.0.2.1:50000"), SIDm: 0xA0A2A3A4,
	}
	rand.Read(c.RM[:])
	return c
}

// Hash is the hash of the suite, and the length of its integrity codes.
func (c *Console) Hash() (create func() hash.Hash, integrityLen int) {
	if c.Suite == 17 {
		return sha256.New, 16
	}
	return sha1.New, 12
}

// HMAC is keyed with key and covers the parts, integers least significant byte first.
func (c *Console) HMAC(key []byte, parts ...any) []byte {
	create, _ := c.Hash()
	mac := hmac.New(create, key)
	for _, p := range parts {
		if text, ok := p.(string); ok {
			p = []byte(text)
		}
		b, err := binary.Append(nil, binary.LittleEndian, p)
		require.NoError(c.t, err)
		mac.Write(b)
	}
	return mac.Sum(nil)
}

// Datagram puts a payload into an RMCP+ packet.
func Datagram(kind byte, sid, sequence uint32, payload []byte) []byte {
	b := []byte{0x06, 0x00, 0xFF, 0x07, 0x06, kind}
	b = binary.LittleEndian.AppendUint32(b, sid)
	b = binary.LittleEndian.AppendUint32(b, sequence)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

// Open is an Open Session Request.
func (c *Console) Open() []byte {
	auth, integrity := byte(1), byte(1)
	if c.Suite == 17 {
		auth, integrity = 3, 4
	}
	return c.Propose(auth, integrity, 1)
}

// Propose is an Open Session Request with any algorithms; 0xFF leaves the choice to the
// BMC.
func (c *Console) Propose(auth, integrity, confidentiality byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{c.Tag, 0, 0, 0}, c.SIDm)
	for kind, algorithm := range []byte{auth, integrity, confidentiality} {
		length := byte(8)
		if algorithm == 0xFF {
			length, algorithm = 0, 0
		}
		b = append(b, byte(kind), 0, 0, length, algorithm, 0, 0, 0)
	}
	return Datagram(0x10, 0, 0, b)
}

// RAKP1 is a RAKP Message 1.
func (c *Console) RAKP1() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{c.Tag, 0, 0, 0}, c.SIDc)
	b = append(b, c.RM[:]...)
	b = append(b, c.Role, 0, 0, byte(len(c.Name)))
	return Datagram(0x12, 0, 0, append(b, c.Name...))
}

// RAKP3 is a RAKP Message 3.
func (c *Console) RAKP3() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{c.Tag, 0, 0, 0}, c.SIDc)
	return Datagram(0x14, 0, 0, append(b, c.HMAC([]byte(c.Password), c.RC[:], c.SIDm, c.Role, byte(len(c.Name)), c.Name)...))
}

// ReadOpen takes the answer to open.
func (c *Console) ReadOpen(answer []byte) {
	c.requireSetup(answer, 0x11, 36)
	c.SIDc = binary.LittleEndian.Uint32(answer[24:])
	require.NotZero(c.t, c.SIDc)
	require.Equal(c.t, c.Open()[24:], answer[28:], "algorithms")
}

// ReadRAKP2 takes the answer to rakp1, checks that the BMC knows the password,
// and derives the keys.
func (c *Console) ReadRAKP2(answer []byte) {
	code := c.LearnRAKP2(answer)
	require.Equal(c.t, c.HMAC([]byte(c.Password), c.SIDm, c.SIDc, c.RM[:], c.RC[:], c.GUID[:], c.Role, byte(len(c.Name)), c.Name), code)
}

// LearnRAKP2 is readRAKP2 without the check.
func (c *Console) LearnRAKP2(answer []byte) (code []byte) {
	create, _ := c.Hash()
	c.requireSetup(answer, 0x13, 40+create().Size())
	c.RC, c.GUID = [16]byte(answer[24:40]), [16]byte(answer[40:56])
	key := c.Kg
	if key == "" {
		key = c.Password
	}
	c.SIK = c.HMAC([]byte(key), c.RM[:], c.RC[:], c.Role, byte(len(c.Name)), c.Name)
	c.K1 = c.HMAC(c.SIK, bytes.Repeat([]byte{1}, 20))
	c.K2 = c.HMAC(c.SIK, bytes.Repeat([]byte{2}, 20))
	return answer[56:]
}

// ReadRAKP4 takes the answer to rakp3.
func (c *Console) ReadRAKP4(answer []byte) {
	_, n := c.Hash()
	c.requireSetup(answer, 0x15, 8+n)
	require.Equal(c.t, c.HMAC(c.SIK, c.RM[:], c.SIDc, c.GUID[:])[:n], answer[24:])
}

func (c *Console) requireSetup(answer []byte, kind byte, length int) {
	c.t.Helper()
	require.Len(c.t, answer, 16+length)
	require.Equal(c.t, Datagram(kind, 0, 0, answer[16:]), answer)
	require.Equal(c.t, []byte{c.Tag, 0}, answer[16:18], "tag and status")
	require.Equal(c.t, c.SIDm, binary.LittleEndian.Uint32(answer[20:]))
}

// Login goes through the whole of the key exchange; send delivers a datagram and
// returns the answer.
func (c *Console) Login(send func([]byte) []byte) {
	c.t.Helper()
	c.ReadOpen(send(c.Open()))
	c.ReadRAKP2(send(c.RAKP1()))
	c.ReadRAKP4(send(c.RAKP3()))
}

// Packet is the next one in the session.
func (c *Console) Packet(plain string) []byte {
	c.Sequence++
	return c.Seal(c.Sequence, []byte(plain), 0x01)
}

// Seal pads from the given number on: 1, as the specification has it, or wrongly.
func (c *Console) Seal(sequence uint32, plain []byte, firstPad byte) []byte {
	return c.SealText(sequence, pad(plain, firstPad))
}

func pad(plain []byte, first byte) []byte {
	text := append([]byte(nil), plain...)
	n := 15 - len(plain)%16
	for i := range n {
		text = append(text, first+byte(i))
	}
	return append(text, byte(n))
}

// SOL is the next packet in the session, with a Serial over LAN payload.
func (c *Console) SOL(plain string) []byte {
	c.Sequence++
	return c.seal(0xC1, c.Sequence, pad([]byte(plain), 1))
}

// SealText encrypts and signs whole blocks.
func (c *Console) SealText(sequence uint32, text []byte) []byte { return c.seal(0xC0, sequence, text) }

func (c *Console) seal(kind byte, sequence uint32, text []byte) []byte {
	block, err := aes.NewCipher(c.K2[:16])
	require.NoError(c.t, err)
	payload := make([]byte, 16+len(text))
	rand.Read(payload[:16])
	cipher.NewCBCEncrypter(block, payload[:16]).CryptBlocks(payload[16:], text)
	return c.Sign(Datagram(kind, c.SIDc, sequence, payload))
}

// Sign appends the session trailer.
func (c *Console) Sign(b []byte) []byte {
	pad := -(len(b) - 4 + 2) & 3
	b = append(b, "\xFF\xFF\xFF"[:pad]...)
	b = append(b, byte(pad), 0x07)
	_, n := c.Hash()
	return append(b, c.HMAC(c.K1, b[4:])[:n]...)
}

// Read opens a packet of the BMC and returns its sequence number and plaintext.
func (c *Console) Read(b []byte) (sequence uint32, plain string) {
	c.t.Helper()
	return c.read(0xC0, b)
}

// ReadSOL opens a packet of the BMC with a Serial over LAN payload.
func (c *Console) ReadSOL(b []byte) (plain string) {
	c.t.Helper()
	_, plain = c.read(0xC1, b)
	return plain
}

func (c *Console) read(kind byte, b []byte) (sequence uint32, plain string) {
	c.t.Helper()
	_, n := c.Hash()
	require.Greater(c.t, len(b), 16+32+n)
	signed := len(b) - n
	length := int(binary.LittleEndian.Uint16(b[14:]))
	require.Equal(c.t, b[signed:], c.HMAC(c.K1, b[4:signed])[:n], "authentication code")
	require.Equal(c.t, []byte{0xFF, 0xFF, 0x02, 0x07}, b[16+length:signed], "trailer")

	sequence = binary.LittleEndian.Uint32(b[10:])
	payload := b[16 : 16+length]
	require.Equal(c.t, Datagram(kind, c.SIDm, sequence, payload), b[:16+length])

	block, err := aes.NewCipher(c.K2[:16])
	require.NoError(c.t, err)
	text := make([]byte, length-16)
	cipher.NewCBCDecrypter(block, payload[:16]).CryptBlocks(text, payload[16:])
	end := len(text) - 1 - int(text[len(text)-1])
	for i, v := range text[end : len(text)-1] {
		require.Equal(c.t, byte(i+1), v, "confidentiality pad")
	}
	return sequence, string(text[:end])
}

// Owns reports whether a datagram was authenticated with the keys of this console's session.
func (c *Console) Owns(b []byte) bool {
	_, n := c.Hash()
	signed := len(b) - n
	return bytes.Equal(b[signed:], c.HMAC(c.K1, b[4:signed])[:n])
}

// Request is the LAN message of a request to the BMC.
func Request(netFn, cmd, rqSeq byte, data ...byte) string {
	b := []byte{0x20, netFn << 2, 0, 0x81, rqSeq << 2, cmd}
	b[2] = -(b[0] + b[1])
	b = append(b, data...)
	var sum byte
	for _, v := range b[3:] {
		sum += v
	}
	return string(append(b, -sum))
}
