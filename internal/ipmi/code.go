package ipmi

import (
	"fmt"

	"github.com/shipmi/shipmi/internal/machine"
)

// A Code is a completion code (IPMI 2.0 §5.2, table 5-2).
type Code byte

// Completion codes.
const (
	OK                     Code = 0x00
	UnsupportedParameter   Code = 0x80 // of the commands that get and set parameters
	SetInProgress          Code = 0x81
	ReadOnly               Code = 0x82
	NodeBusy               Code = 0xC0
	InvalidCommand         Code = 0xC1
	InvalidForLUN          Code = 0xC2
	Timeout                Code = 0xC3
	ReservationCanceled    Code = 0xC5
	InvalidLength          Code = 0xC7
	OutOfRange             Code = 0xC9
	CannotReturn           Code = 0xCA
	NotPresent             Code = 0xCB
	InvalidField           Code = 0xCC
	IllegalForSensor       Code = 0xCD
	InsufficientPrivilege  Code = 0xD4
	NotInPresentState      Code = 0xD5
	SubfunctionUnavailable Code = 0xD6
	Unspecified            Code = 0xFF
)

// Completion codes of single commands.
const (
	passwordWrong         Code = 0x80 // Set User Password (§22.30), to test a password
	passwordWrongSize     Code = 0x81
	recordTypeUnsupported Code = 0x80 // Add SEL Entry (§31.6)
	fruWriteProtected     Code = 0x80 // Write FRU Data (§34.3)
	nothingWaits          Code = 0x80 // Get Message, Read Event Message Buffer (§22.6, §22.8)
	payloadTypeUnknown    Code = 0x80 // Get Channel Cipher Suites (§22.15)
	privilegeUnavailable  Code = 0x81 // Set Session Privilege Level (§22.18): beyond the limit
	invalidSessionID      Code = 0x87 // Close Session (§22.19)
	invalidSessionHandle  Code = 0x88
)

var codeText = map[Code]string{
	OK:                     "completed normally",
	NodeBusy:               "node busy",
	InvalidCommand:         "invalid command",
	InvalidForLUN:          "invalid for this LUN",
	Timeout:                "timeout",
	ReservationCanceled:    "reservation canceled",
	InvalidLength:          "request data length invalid",
	OutOfRange:             "parameter out of range",
	CannotReturn:           "cannot return requested number of bytes",
	NotPresent:             "requested record not present",
	InvalidField:           "invalid data field in request",
	IllegalForSensor:       "illegal for this sensor",
	InsufficientPrivilege:  "insufficient privilege level",
	NotInPresentState:      "not supported in present state",
	SubfunctionUnavailable: "sub-function unavailable",
	Unspecified:            "unspecified error",
}

func (c Code) String() string {
	if text, ok := codeText[c]; ok {
		return text
	}
	return fmt.Sprintf("completion code %#02x", byte(c))
}

// codes translates what became of an intent. [machine.Failed] and outcomes that are
// not here are Unspecified.
var codes = map[machine.Outcome]Code{
	machine.Done:        OK,
	machine.Accepted:    OK,
	machine.Busy:        NodeBusy,
	machine.WrongState:  NotInPresentState,
	machine.Unsupported: InvalidField,
	machine.Unavailable: SubfunctionUnavailable,
	machine.Superseded:  NotInPresentState,
	machine.TimedOut:    Timeout,
}

// CodeOf returns the completion code of an outcome.
func CodeOf(o machine.Outcome) Code {
	if code, ok := codes[o]; ok {
		return code
	}
	return Unspecified
}

// Respond is the answer to a request whose intent had that outcome.
func Respond(o machine.Outcome) Answer { return reply(CodeOf(o)) }
