package session

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// An exchange is what console and BMC tell each other in the key exchange. All
// authentication codes and keys come from it and a secret.
type exchange struct {
	suite         rmcp.Suite
	consoleID     uint32 // SIDm
	managedID     uint32 // SIDc
	consoleRandom [16]byte
	managedRandom [16]byte
	role          rmcp.Role
	name          string
}

func newHash(a rmcp.AuthAlgorithm) func() hash.Hash {
	if a == rmcp.AuthHMACSHA256 {
		return sha256.New
	}
	return sha1.New
}

func (x *exchange) hmac(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(newHash(x.suite.Auth), key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

func id(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// identity is the role byte as received, the length of the name, and the name.
func (x *exchange) identity() []byte {
	return append([]byte{byte(x.role), byte(len(x.name))}, x.name...)
}

// rakp2Code proves to the console that the BMC knows the password (§13.21).
func (x *exchange) rakp2Code(password []byte, guid [16]byte) []byte {
	return x.hmac(password, id(x.consoleID), id(x.managedID), x.consoleRandom[:], x.managedRandom[:], guid[:], x.identity())
}

// rakp3Code is what a console that knows the password sends (§13.22).
func (x *exchange) rakp3Code(password []byte) []byte {
	return x.hmac(password, x.managedRandom[:], id(x.consoleID), x.identity())
}

// sik derives the session integrity key (§13.31) from Kg, or from the password
// where no Kg is set.
func (x *exchange) sik(kg []byte) []byte {
	return x.hmac(kg, x.consoleRandom[:], x.managedRandom[:], x.identity())
}

// rakp4Check is the integrity check value of RAKP Message 4 (§13.23),
// truncated by the authentication algorithm.
func (x *exchange) rakp4Check(sik []byte, guid [16]byte) []byte {
	n := 12
	if x.suite.Auth == rmcp.AuthHMACSHA256 {
		n = 16
	}
	return x.hmac(sik, x.consoleRandom[:], id(x.managedID), guid[:])[:n]
}

// additionalKey derives K1 (n = 1) or K2 (n = 2) from the SIK (§13.32). The
// constant has 20 bytes whatever the algorithm.
func (x *exchange) additionalKey(sik []byte, n byte) []byte {
	var constant [20]byte
	for i := range constant {
		constant[i] = n
	}
	return x.hmac(sik, constant[:])
}
