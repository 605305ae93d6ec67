package rmcp

import "slices"

// An AuthAlgorithm is the number of an algorithm for the codes of the key exchange (§13.28, table 13-17).
type AuthAlgorithm byte

// An IntegrityAlgorithm is the number of an algorithm for the authentication code of a packet (§13.28.4, table 13-18).
type IntegrityAlgorithm byte

// A ConfidentialityAlgorithm is the number of an algorithm that encrypts a payload (§13.29, table 13-19).
type ConfidentialityAlgorithm byte

// The algorithms that ShIPMI has. It leaves out algorithms that give no protection or a weak one.
const (
	AuthHMACSHA1   AuthAlgorithm = 0x01
	AuthHMACSHA256 AuthAlgorithm = 0x03

	IntegrityHMACSHA1_96    IntegrityAlgorithm = 0x01
	IntegrityHMACSHA256_128 IntegrityAlgorithm = 0x04

	ConfidentialityAESCBC128 ConfidentialityAlgorithm = 0x01
)

// AnyAlgorithm in an [OpenRequest] means that the client lets the BMC choose. Algorithm numbers have six bits, so they are
// below this value.
const AnyAlgorithm = 0xFF

// A Suite is a cipher suite (§22.15.2).
type Suite struct {
	ID              byte
	Auth            AuthAlgorithm
	Integrity       IntegrityAlgorithm
	Confidentiality ConfidentialityAlgorithm
}

// The cipher suites that ShIPMI has.
var (
	Suite3  = Suite{3, AuthHMACSHA1, IntegrityHMACSHA1_96, ConfidentialityAESCBC128}
	Suite17 = Suite{17, AuthHMACSHA256, IntegrityHMACSHA256_128, ConfidentialityAESCBC128}
)

// SuiteByID returns the suite with that ID, and false unless ShIPMI has it.
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

// AppendRecord appends the cipher suite record of s (§22.15.1): five bytes. ipmitool requires this order of the algorithms.
func (s Suite) AppendRecord(b []byte) []byte {
	return append(b, recordStart, s.ID, byte(s.Auth),
		tagIntegrity|byte(s.Integrity), tagConfidentiality|byte(s.Confidentiality))
}

// AppendAlgorithms appends the algorithms of the suites, one byte for each, without duplicates and in ascending order
// (§22.15). The upper two bits of a byte are the kind of the algorithm.
func AppendAlgorithms(b []byte, suites []Suite) []byte {
	start := len(b)
	for _, s := range suites {
		b = append(b, byte(s.Auth), tagIntegrity|byte(s.Integrity), tagConfidentiality|byte(s.Confidentiality))
	}
	list := b[start:]
	slices.Sort(list)
	return b[:start+len(slices.Compact(list))]
}
