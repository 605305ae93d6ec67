package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// Where a datagram of RMCP+ has the type of its payload, the payload, and an Open Session Request the authentication
// algorithm, of which 3 is that of suite 17.
const (
	atType, atPayload, atAlgorithm = 5, 16, 28
	openRequest, rakp1, rakp3      = 0x10, 0x12, 0x14
)

// An arithmetic is what the protocol has a BMC compute, with keys of no meaning and results that are not used: one code
// for RAKP Message 1; for RAKP Message 3 two, and the three keys of a session; and for a packet of a session two codes, a
// decryption and an encryption (IPMI 2.0 §13.20 to §13.29).
type arithmetic struct {
	hash             func() hash.Hash
	mac              hash.Hash
	decrypt, encrypt cipher.BlockMode
	sum              [sha256.Size]byte
	text             [1024]byte
}

func newArithmetic() *arithmetic {
	a := &arithmetic{hash: sha1.New}
	a.keys()
	return a
}

func (a *arithmetic) do(b []byte) {
	if len(b) <= atAlgorithm {
		return
	}
	switch b[atType] & 0x3F {
	case openRequest:
		a.hash = sha1.New
		if b[atAlgorithm] == 3 {
			a.hash = sha256.New
		}
	case rakp1:
		_, _ = rand.Read(a.text[:16])
		a.code(b)
	case rakp3:
		for range 5 {
			a.code(b)
		}
		a.keys()
	default:
		whole := (len(b) - atPayload) / aes.BlockSize * aes.BlockSize
		a.mac.Reset()
		a.mac.Write(b)
		a.mac.Sum(a.sum[:0])
		a.decrypt.CryptBlocks(a.text[:whole], b[atPayload:][:whole])
		_, _ = rand.Read(a.text[:aes.BlockSize])
		a.encrypt.CryptBlocks(a.text[:whole], a.text[:whole])
		a.mac.Reset()
		a.mac.Write(b)
		a.mac.Sum(a.sum[:0])
	}
}

// code computes a code with a key of its own.
func (a *arithmetic) code(b []byte) {
	mac := hmac.New(a.hash, a.sum[:])
	mac.Write(b)
	mac.Sum(a.sum[:0])
}

// keys puts keys to use, as those of a session are.
func (a *arithmetic) keys() {
	a.mac = hmac.New(a.hash, a.sum[:])
	block, err := aes.NewCipher(a.sum[:aes.BlockSize])
	if err != nil {
		panic(err)
	}
	a.decrypt = cipher.NewCBCDecrypter(block, a.sum[:aes.BlockSize])
	a.encrypt = cipher.NewCBCEncrypter(block, a.sum[:aes.BlockSize])
}
