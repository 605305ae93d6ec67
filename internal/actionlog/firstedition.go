package actionlog

import (
	"encoding/json"
	"time"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A FirstEdition is the first line of a file that version 1 of this program wrote, as far as
// it takes knowledge of IPMI to understand it.
type FirstEdition struct {
	Verb provider.Verb `json:"verb"`
	// Session is a JSON object with the session that asked first: ID, Handle, UserID, User,
	// Privilege, Limit, and Peer as netip.AddrPort. An action of the BMC itself has ID 0.
	Session json.RawMessage `json:"session"`
	// Request is the IPMI message of that session, an rmcp.Request as JSON.
	Request json.RawMessage `json:"request"`
	// Cause is the restart cause of IPMI 2.0 table 28-11, not a machine.Cause.
	Cause byte `json:"cause"`
}

// record completes what the two editions have in common.
func (f FirstEdition) record(r Record) Record {
	r.Intent.Verb, r.Cause, r.FirstEdition = f.Verb, machine.CauseUnknown, &f
	return r
}

const (
	firstCallerPrefix = "asker: "

	// firstGap is how much time version 1 granted each packet: it took a packet for a
	// retransmission if it came within firstGap for each packet number since the first.
	firstGap = 3 * time.Second
)

// A firstCaller is a caller as version 1 wrote it.
type firstCaller struct {
	Session  uint32        `json:"session"`
	First    uint32        `json:"first"` // number of the first packet that asked
	At       time.Duration `json:"at"`    // when that packet came
	RqSeqs   uint64        `json:"rqseqs"`
	Sequence uint32        `json:"sequence"` // number of the latest packet that asked
	Constant bool          `json:"constant"`
}

// caller translates to the present form. Version 1 did not write when the latest packet came.
// Latest becomes the last moment at which version 1 would have taken that packet for a
// retransmission, so a retransmission that version 1 would have recognized is recognized.
func (f firstCaller) caller() jobs.Caller {
	c := jobs.Caller{Session: f.Session, RqSeqs: f.RqSeqs, Sequence: f.Sequence, Constant: f.Constant}
	if f.At != 0 {
		between := max(0, int32(f.Sequence-f.First))
		c.Latest = f.At + time.Duration(between)*firstGap
	}
	return c
}

// A firstAnswer is an answer as version 1 wrote it.
type firstAnswer struct {
	Code byte          `json:"code"` // IPMI completion code
	At   time.Duration `json:"at"`
}

// firstOutcomes translates the completion codes of version 1. Every other code is a failure.
// Version 1 wrote no answer for an action that did nothing, so D5h means superseded.
var firstOutcomes = map[byte]machine.Outcome{
	0x00: machine.Done,
	0xC0: machine.Busy,
	0xC3: machine.TimedOut,
	0xCC: machine.Unsupported,
	0xD5: machine.Superseded,
	0xD6: machine.Unavailable,
}

func (f firstAnswer) answer() Answer {
	outcome, known := firstOutcomes[f.Code]
	if !known {
		outcome = machine.Failed
	}
	return Answer{Outcome: outcome, At: f.At}
}
