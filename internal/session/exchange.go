package session

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// An exchange is the content of the key exchange. All authentication codes and keys are derived from it and a secret.
type exchange struct {
	suite         rmcp.Suite
	clientID      uint32   // SIDm: remote console session ID, chosen by the client
	managedID     uint32   // SIDc: managed system session ID, chosen by the BMC
	clientRandom  [16]byte // Rm: remote console random number
	managedRandom [16]byte // Rc: managed system random number
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

// identity returns the role byte as received, the length of the name, and the name.
func (x *exchange) identity() []byte {
	return append([]byte{byte(x.role), byte(len(x.name))}, x.name...)
}

// rakp2Code returns the code that proves to the client that the BMC knows the password (§13.21).
func (x *exchange) rakp2Code(password []byte, guid [16]byte) []byte {
	return x.hmac(password, id(x.clientID), id(x.managedID), x.clientRandom[:], x.managedRandom[:], guid[:], x.identity())
}

// rakp3Code returns the code that a client sends if it knows the password (§13.22).
func (x *exchange) rakp3Code(password []byte) []byte {
	return x.hmac(password, x.managedRandom[:], id(x.clientID), x.identity())
}

// sik returns the session integrity key (§13.31). The argument is the password if no Kg is set.
func (x *exchange) sik(kg []byte) []byte {
	return x.hmac(kg, x.clientRandom[:], x.managedRandom[:], x.identity())
}

// rakp4Check returns the integrity check value of RAKP Message 4 (§13.23). Its length depends on the authentication
// algorithm, not on the integrity algorithm.
func (x *exchange) rakp4Check(sik []byte, guid [16]byte) []byte {
	n := 12
	if x.suite.Auth == rmcp.AuthHMACSHA256 {
		n = 16
	}
	return x.hmac(sik, x.clientRandom[:], id(x.managedID), guid[:])[:n]
}

// additionalKey returns K1 (n = 1) or K2 (n = 2), derived from the SIK (§13.32). The constant has 20 bytes with every
// algorithm.
func (x *exchange) additionalKey(sik []byte, n byte) []byte {
	var constant [20]byte
	for i := range constant {
		constant[i] = n
	}
	return x.hmac(sik, constant[:])
}
