package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// errAuth is deliberately the same error for every kind of forged packet.
var errAuth = errors.New("packet failed authentication")

const ivLen = aes.BlockSize

// A packetCipher authenticates the packets of one session with K1 and encrypts them with K2. No state is carried from one
// packet to the next.
type packetCipher struct {
	mac     hash.Hash         // keyed with K1
	codeLen int               // bytes of an authentication code
	sum     [sha256.Size]byte // buffer of code
	encrypt blockMode         // AES-128 in CBC mode, keyed with K2
	decrypt blockMode
}

// A blockMode is a CBC mode whose initialization vector can be set, as in the implementation of crypto/cipher.
type blockMode interface {
	cipher.BlockMode
	SetIV([]byte)
}

func newPacketCipher(x *exchange, sik []byte) *packetCipher {
	block, err := aes.NewCipher(x.additionalKey(sik, 2)[:16])
	if err != nil {
		panic(fmt.Sprintf("internal error: %v", err))
	}
	codeLen := 12
	if x.suite.Integrity == rmcp.IntegrityHMACSHA256_128 {
		codeLen = 16
	}
	iv := make([]byte, ivLen)
	return &packetCipher{
		mac:     hmac.New(newHash(x.suite.Auth), x.additionalKey(sik, 1)),
		codeLen: codeLen,
		encrypt: cipher.NewCBCEncrypter(block, iv).(blockMode),
		decrypt: cipher.NewCBCDecrypter(block, iv).(blockMode),
	}
}

// code returns the authentication code of the covered bytes. It is valid until the next call.
func (c *packetCipher) code(covered []byte) []byte {
	c.mac.Reset()
	c.mac.Write(covered)
	return c.mac.Sum(c.sum[:0])[:c.codeLen]
}

// authenticate checks the authentication code of p (§13.28.4).
func (c *packetCipher) authenticate(p rmcp.Packet) error {
	if !p.Authenticated || !p.Encrypted {
		return errAuth
	}
	covered, code, err := p.Trailer(c.codeLen)
	if err != nil || !hmac.Equal(c.code(covered), code) {
		return errAuth
	}
	return nil
}

// open appends the plaintext of an AES-CBC-128 payload (§13.29) to b. The plaintext ends in a pad of the bytes 1, 2, 3 …,
// and the length of the pad.
func (c *packetCipher) open(b, payload []byte) ([]byte, error) {
	if len(payload) < ivLen+aes.BlockSize || len(payload)%aes.BlockSize != 0 {
		return nil, errAuth
	}
	start := len(b)
	b = append(b, payload[ivLen:]...)
	c.decrypt.SetIV(payload[:ivLen])
	c.decrypt.CryptBlocks(b[start:], b[start:])

	end := len(b) - 1
	pad := int(b[end])
	if pad >= aes.BlockSize {
		return nil, errAuth
	}
	for i := range pad {
		if int(b[end-pad+i]) != i+1 {
			return nil, errAuth
		}
	}
	return b[:end-pad], nil
}

// seal appends the datagram that carries the payload, with an initialization vector from random.
func (c *packetCipher) seal(b []byte, kind rmcp.PayloadType, clientID, sequence uint32, payload []byte, random io.Reader) ([]byte, error) {
	pad := aes.BlockSize - 1 - len(payload)%aes.BlockSize
	length := ivLen + len(payload) + pad + 1

	start := len(b)
	b = rmcp.AppendSealedHeader(b, kind, clientID, sequence, length)
	iv := len(b)
	b = slices.Grow(b, length)[:iv+ivLen]
	if _, err := io.ReadFull(random, b[iv:]); err != nil {
		return nil, fmt.Errorf("initialization vector: %w", err)
	}
	b = append(b, payload...)
	for i := range pad {
		b = append(b, byte(i+1))
	}
	b = append(b, byte(pad))
	text := b[iv+ivLen:]
	c.encrypt.SetIV(b[iv : iv+ivLen])
	c.encrypt.CryptBlocks(text, text)

	b = rmcp.AppendTrailer(b, length)
	return append(b, c.code(rmcp.Covered(b[start:]))...), nil
}
