package actionlog

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/checksum"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
)

// A Record is what the file of an action says. The file has the form
//
//	{"boot":…,"began":…,"intent":{"verb":"power on"},"asker":…} 5d2c6a01
//	caller: {"session":…,"rqseqs":…,"sequence":…} 0b7f9e3c
//	turn: {"at":…} 91d3c02f
//	action: pid 4711
//	action: exit 0
//	answer: {"outcome":"done","at":…} c4110e9d
//
// with one line for each session that asks, and another one whenever the session sends a
// retransmission that must be kept. Only the file of an action that was promised before its
// turn came has a line for that turn. The script's wrapper writes the lines that begin with
// "action:". The other lines end with a checksum, and a line with a wrong checksum is
// ignored.
type Record struct {
	Boot   string         `json:"boot"`  // of the host
	Began  time.Duration  `json:"began"` // all times are since the boot of the host
	Intent machine.Intent `json:"intent"`
	Asker  machine.Asker  `json:"asker,omitzero"` // the first client
	Cause  machine.Cause  `json:"cause,omitempty"`
	// Own is set if the BMC itself asked: then there are no callers.
	Own bool `json:"own,omitempty"`
	// Promised is set if a client may have been told that the action is accepted, and the turn
	// of the action has not come.
	Promised bool `json:"promised,omitempty"`

	Path    string       `json:"-"`
	Callers jobs.Callers `json:"-"`
	Answer  *Answer      `json:"-"` // nil: the action has not ended
	// FirstEdition is set if version 1 of this program wrote the file. Then Intent holds the
	// verb alone, Asker and Cause are not set, and the callers have no key.
	FirstEdition *FirstEdition `json:"-"`
}

// An Answer is what the clients of an action are told.
type Answer struct {
	Outcome machine.Outcome `json:"outcome"`
	At      time.Duration   `json:"at"` // when the action ended
	// Data is the response of an IPMI command of the provider: completion code and data.
	Data []byte `json:"data,omitempty"`
}

// endings are the outcomes of an action that has ended. The text of a file may come from an
// untrusted user, and it is shown to root, so no other text is an outcome.
var endings = []machine.Outcome{
	machine.Done, machine.Busy, machine.WrongState, machine.Unsupported, machine.Unavailable,
	machine.Superseded, machine.TimedOut, machine.Failed,
}

const (
	callerPrefix = "caller: "
	turnPrefix   = "turn: "
	answerPrefix = "answer: "
)

// A turn is when an action that was promised began.
type turn struct {
	At time.Duration `json:"at"`
}

// writeLine writes a line with one call of write, because the wrapper appends to the same file.
func writeLine(f *os.File, prefix string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = f.WriteString(checksum.Seal(append([]byte(prefix), text...)) + "\n")
	return err
}

// parse reads the text of an action file. Without an undamaged first line there is no record.
func parse(path, text string) (Record, bool) {
	lines := strings.Split(text, "\n")
	r, ok := parseHeader(lines[0])
	if !ok {
		return Record{}, false
	}
	r.Path = path
	for _, line := range lines[1:] {
		if c, ok := parseCaller(line); ok {
			r.Callers.Put(c)
		}
		var began turn
		if parseLine(line, turnPrefix, &began) {
			r.Promised, r.Began = false, began.At
		}
		if a, ok := parseAnswer(line); ok {
			r.Answer = &a
		}
	}
	if written(text, "pid") != "" {
		r.Promised = false // the line for its turn is damaged
	}
	if r.FirstEdition != nil {
		r.Own = len(r.Callers) == 0
	}
	return r, true
}

func parseHeader(line string) (r Record, ok bool) {
	if !parseLine(line, "", &r) {
		return Record{}, false
	}
	if r.Intent.Verb != "" {
		return r, true
	}
	var first FirstEdition
	if !parseLine(line, "", &first) || first.Verb == "" {
		return Record{}, false
	}
	return first.record(r), true
}

func parseCaller(line string) (c jobs.Caller, ok bool) {
	if parseLine(line, callerPrefix, &c) {
		return c, true
	}
	var first firstCaller
	ok = parseLine(line, firstCallerPrefix, &first)
	return first.caller(), ok
}

func parseAnswer(line string) (a Answer, ok bool) {
	if !parseLine(line, answerPrefix, &a) {
		return Answer{}, false
	}
	if a.Outcome != "" {
		return a, slices.Contains(endings, a.Outcome)
	}
	var first firstAnswer
	ok = parseLine(line, answerPrefix, &first)
	return first.answer(), ok
}

// parseLine reads what writeLine wrote, and nothing else.
func parseLine(line, prefix string, value any) bool {
	text, err := checksum.Check(line)
	if err != nil {
		return false
	}
	after, ok := bytes.CutPrefix(text, []byte(prefix))
	return ok && json.Unmarshal(after, value) == nil
}
