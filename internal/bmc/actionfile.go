package bmc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Actions keeps a file for each action, as long as a request for it may be
// repeated. The file is there, with the request in its first line, before the
// script starts; the script's wrapper adds how it ended; and the last line, the
// answer, comes before any answer leaves. Whatever becomes of this process, the
// next one knows which actions began, and runs none of them again.
//
// The directory outlives a stop of the BMC, as a script does. The scripts of
// another boot of the host have ended, whatever their files say.
type Actions struct {
	Dir      string
	HostBoot string        // another one each time the host is booted
	ended    []endedAction // oldest first
}

type endedAction struct {
	file string
	at   time.Duration
}

// An actionFile is what a file says. Its form is
//
//	{"boot":…,"began":…,"verb":"power on","session":…,"request":…} 5d2c6a01
//	asker: {"session":…,"rqseqs":…,"sequence":…} 0b7f9e3c
//	action: pid 4711
//	action: exit 0
//	answer: {"code":0,"at":…} c4110e9d
//
// with a line for each session that asks, and again when it repeats itself. The
// wrapper writes the lines that begin with "action:"; ours end with a checksum, and
// are not there where it is another one.
type actionFile struct {
	Boot    string        `json:"boot"`
	Began   time.Duration `json:"began"` // times are since the boot of the host
	Verb    provider.Verb `json:"verb"`
	Session ipmi.Session  `json:"session"`
	Request rmcp.Request  `json:"request"`
	Cause   ipmi.Cause    `json:"cause,omitempty"`

	path   string
	askers askers
	answer *actionAnswer // nil: it has not ended
}

type actionAnswer struct {
	Code ipmi.Code     `json:"code"`
	At   time.Duration `json:"at"`
}

const (
	actionPattern = "action.*"
	askerPrefix   = "asker: "
	answerPrefix  = "answer: "
	actionRoom    = 4096 // bytes
)

// begin writes the marker of an action that is about to start, and removes files
// that nobody will ask for any more.
func (m *Actions) begin(a *action) (path string, err error) {
	m.prune(a.started)
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return "", fmt.Errorf("action marker: %w", err)
	}
	f, err := os.CreateTemp(m.Dir, actionPattern)
	if err != nil {
		return "", fmt.Errorf("action marker: %w", err)
	}
	// The wrapper must be able to write how it ended, though the disk be full by then.
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, actionRoom)
	err = writeLine(f, "", actionFile{
		Boot: m.HostBoot, Began: a.started, Verb: a.script.Verb,
		Session: a.request.Session, Request: a.request.Request, Cause: a.request.Cause,
	})
	for _, who := range a.askers {
		err = errors.Join(err, writeLine(f, askerPrefix, who))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("action marker: %w", err)
	}
	return f.Name(), nil
}

// asked adds who asked for an action that runs.
func (m *Actions) asked(path string, who asker) error { return addLine(path, askerPrefix, who) }

// end adds the answer to an action.
func (m *Actions) end(path string, code ipmi.Code, now time.Duration) error {
	m.ended = append(m.ended, endedAction{path, now})
	return addLine(path, answerPrefix, actionAnswer{code, now})
}

// forget removes the file of an action that did nothing.
func (m *Actions) forget(path string) { os.Remove(path) }

func addLine(path, prefix string, value any) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("action file: %w", err)
	}
	return errors.Join(writeLine(f, prefix, value), f.Close())
}

// writeLine writes a line at once, since the wrapper writes to the file too.
func writeLine(f *os.File, prefix string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("action file: %w", err)
	}
	_, err = f.WriteString(withChecksum(append([]byte(prefix), text...)) + "\n")
	return err
}

// prune removes the files of actions that no request can repeat.
func (m *Actions) prune(now time.Duration) {
	for len(m.ended) > 0 && (now-m.ended[0].at >= sameSeqHold || len(m.ended) > maxActions) {
		os.Remove(m.ended[0].file)
		m.ended = m.ended[1:]
	}
}

// load reads the files that earlier processes left, in the order in which the
// actions ended; last comes the one that began last and has not. One whose first
// line is not whole belongs to an action that never started.
func (m *Actions) load() ([]actionFile, error) {
	paths, err := filepath.Glob(filepath.Join(m.Dir, actionPattern))
	if err != nil {
		return nil, err
	}
	var all []actionFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if f, ok := parseAction(path, string(text)); ok && f.Boot == m.HostBoot {
			all = append(all, f)
		} else {
			os.Remove(path)
		}
	}
	slices.SortFunc(all, func(a, b actionFile) int {
		return cmp.Or(cmp.Compare(a.at(), b.at()), cmp.Compare(a.Began, b.Began))
	})
	for _, f := range all {
		if f.answer != nil {
			m.ended = append(m.ended, endedAction{f.path, f.answer.At})
		}
	}
	return all, nil
}

// at is when the action ended.
func (f actionFile) at() time.Duration {
	if f.answer == nil {
		return never
	}
	return f.answer.At
}

func parseAction(path, text string) (actionFile, bool) {
	f := actionFile{path: path}
	lines := strings.Split(text, "\n")
	if !readLine(lines[0], "", &f) {
		return actionFile{}, false
	}
	for _, line := range lines[1:] {
		var who asker
		var answer actionAnswer
		switch {
		case readLine(line, askerPrefix, &who):
			who.owed = true
			f.askers.put(who)
		case readLine(line, answerPrefix, &answer):
			f.answer = &answer
		}
	}
	return f, true
}

// readLine reads what writeLine wrote, and nothing else.
func readLine(line, prefix string, value any) bool {
	text, err := checked(line)
	if err != nil {
		return false
	}
	after, ok := bytes.CutPrefix(text, []byte(prefix))
	return ok && json.Unmarshal(after, value) == nil
}
