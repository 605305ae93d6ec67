package rmcp

import "fmt"

// A Status is an RMCP+ status code (§13.24).
type Status byte

// The status codes that ShIPMI sends.
const (
	StatusOK                    Status = 0x00
	StatusInsufficientResources Status = 0x01
	StatusInvalidRole           Status = 0x09
	StatusInvalidNameLength     Status = 0x0C
	StatusInvalidIntegrityCheck Status = 0x0F
	StatusNoCipherSuiteMatch    Status = 0x11
	StatusIllegalParameter      Status = 0x12
)

var statusText = map[Status]string{
	StatusOK:                    "no errors",
	StatusInsufficientResources: "insufficient resources to create a session",
	StatusInvalidRole:           "invalid role",
	StatusInvalidNameLength:     "invalid name length",
	StatusInvalidIntegrityCheck: "invalid integrity check value",
	StatusNoCipherSuiteMatch:    "no cipher suite match with proposed security algorithms",
	StatusIllegalParameter:      "illegal or unrecognized parameter",
}

func (s Status) String() string {
	if text, ok := statusText[s]; ok {
		return text
	}
	return fmt.Sprintf("status %#02x", byte(s))
}
