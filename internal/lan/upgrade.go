package lan

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// causes are the restart causes of version 1 (IPMI 2.0 §28.11) for actions that no client
// asked for.
var causes = map[byte]machine.Cause{
	0x4: machine.CauseWatchdog,
	0x6: machine.CauseRestoreOn,
	0x7: machine.CauseRestorePrevious,
}

// UpgradeState reads a state that version 1 wrote, with the last change that a client may
// repeat.
func UpgradeState(text []byte) (machine.State, error) {
	state, err := ipmi.UpgradeState(text)
	if err != nil {
		return machine.State{}, err
	}
	var old struct {
		Changed struct {
			Session, Sequence uint32
			Request           rmcp.Request
			Answer            []byte
			At                time.Duration
		}
	}
	if err := json.Unmarshal(text, &old); err != nil {
		return machine.State{}, fmt.Errorf("state of version 1: %w", err)
	}
	c := old.Changed
	command := ipmi.Lookup(c.Request)
	if c.Session == 0 || command == nil || command.Lane != ipmi.Once {
		return state, nil
	}
	bmc.NoteChanges(&state, []jobs.Change{{
		Caller: jobs.Caller{
			Session: c.Session, Key: ipmi.Key(c.Request), RqSeqs: 1 << c.Request.RqSeq, Sequence: c.Sequence, Latest: c.At,
		},
		ByRqSeq: command.ByRqSeq(), Data: c.Answer, At: c.At,
	}})
	return state, nil
}

// UpgradeAction translates an action file that version 1 wrote: its header was an IPMI request.
func UpgradeAction(r *actionlog.Record) error {
	intent, key, err := ipmi.UpgradeRequest(r.FirstEdition.Request)
	if err != nil {
		return err
	}
	var session struct {
		ID   uint32
		User string
		Peer netip.AddrPort
	}
	if err := json.Unmarshal(r.FirstEdition.Session, &session); err != nil {
		return fmt.Errorf("action of version 1: session: %w", err)
	}
	r.Intent, r.Cause = intent, causes[r.FirstEdition.Cause]
	r.Asker = machine.Asker{User: session.User, Via: via, Peer: session.Peer}
	if session.ID == 0 {
		r.Asker.Via = "bmc"
	}
	for i := range r.Callers {
		r.Callers[i].Key = key
	}
	return nil
}
