package rmcp

import "slices"

// An AuthAlgorithm makes and checks the codes of the key exchange (IPMI 2.0
// §13.28, table 13-17).
type AuthAlgorithm byte

// An IntegrityAlgorithm makes the authentication code of a packet (table 13-18).
type IntegrityAlgorithm byte

// A ConfidentialityAlgorithm encrypts a payload (table 13-19).
type ConfidentialityAlgorithm byte

// The algorithms in use here. Those that protect nothing, or not enough, are
// not in the code.
const (
	AuthHMACSHA1   AuthAlgorithm = 0x01
	AuthHMACSHA256 AuthAlgorithm = 0x03

	IntegrityHMACSHA1_96    IntegrityAlgorithm = 0x01
	IntegrityHMACSHA256_128 IntegrityAlgorithm = 0x04

	ConfidentialityAESCBC128 ConfidentialityAlgorithm = 0x01
)

// AnyAlgorithm stands in an [OpenRequest] for a null field, with which the
// console leaves the choice to the BMC. No algorithm number reaches it: they
// have six bits.
const AnyAlgorithm = 0xFF

// A Suite is a cipher suite (IPMI 2.0 §22.15.2).
type Suite struct {
	ID              byte
	Auth            AuthAlgorithm
	Integrity       IntegrityAlgorithm
	Confidentiality ConfidentialityAlgorithm
}

// The cipher suites that a BMC here can speak.
var (
	Suite3  = Suite{3, AuthHMACSHA1, IntegrityHMACSHA1_96, ConfidentialityAESCBC128}
	Suite17 = Suite{17, AuthHMACSHA256, IntegrityHMACSHA256_128, ConfidentialityAESCBC128}
)

// SuiteByID returns the suite of that number.
func SuiteByID(id byte) (Suite, bool) {
	for _, s := range []Suite{Suite3, Suite17} {
		if s.ID == id {
			return s, true
		}
	}
	return Suite{}, false
}

const (
	recordStart        = 0xC0 // start of record: a standard cipher suite
	tagIntegrity       = 0x40
	tagConfidentiality = 0x80
)

// AppendRecord appends the cipher suite record of s (IPMI 2.0 §22.15.1): five
// bytes in the order in which consoles insist on them.
func (s Suite) AppendRecord(b []byte) []byte {
	return append(b, recordStart, s.ID, byte(s.Auth),
		tagIntegrity|byte(s.Integrity), tagConfidentiality|byte(s.Confidentiality))
}

// AppendAlgorithms appends the algorithms of the suites, each once and in
// ascending order, with the tags that tell their kinds apart.
func AppendAlgorithms(b []byte, suites []Suite) []byte {
	start := len(b)
	for _, s := range suites {
		b = append(b, byte(s.Auth), tagIntegrity|byte(s.Integrity), tagConfidentiality|byte(s.Confidentiality))
	}
	list := b[start:]
	slices.Sort(list)
	return b[:start+len(slices.Compact(list))]
}
