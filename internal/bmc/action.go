package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Actions keeps a file for each action, as long as a request for it may be
// repeated. The file is there, with the request in its first line, before the
// script starts; the script's wrapper adds how it ended; and the last line, the
// answer, comes before any answer leaves. Whatever becomes of this process, the
// next one knows which actions began, and runs none of them again.
type Actions struct {
	Dir   string        // on a file system that a reboot empties
	ended []endedAction // oldest first
}

type endedAction struct {
	file string
	at   time.Duration
}

// An actionFile is what a file says. Its form is
//
//	{"began":…,"verb":"power on","session":…,"request":…}
//	action: pid 4711
//	action: exit 0
//	answer: {"code":0,"at":…}
//
// where the wrapper writes the lines that begin with "action:".
type actionFile struct {
	path    string
	Began   time.Duration `json:"began"` // times are since the boot of the host
	Verb    provider.Verb `json:"verb"`
	Session ipmi.Session  `json:"session"`
	Request rmcp.Request  `json:"request"`
	Cause   ipmi.Cause    `json:"cause,omitempty"`
	answer  *actionAnswer // nil: it has not ended
}

type actionAnswer struct {
	Code ipmi.Code     `json:"code"`
	At   time.Duration `json:"at"`
}

const (
	actionPattern = "action.*"
	answerPrefix  = "answer: "
)

// begin writes the marker of an action that is about to start, and removes
// files that nobody will ask for any more.
func (a *Actions) begin(j *job) (path string, err error) {
	a.prune(j.started)
	f, err := os.CreateTemp(a.Dir, actionPattern)
	if err != nil {
		return "", fmt.Errorf("action marker: %w", err)
	}
	err = json.NewEncoder(f).Encode(actionFile{
		Began: j.started, Verb: j.script.Verb,
		Session: *j.request.Session, Request: j.request.Request, Cause: j.request.Cause,
	})
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("action marker: %w", err)
	}
	return f.Name(), nil
}

// end writes the answer to an action.
func (a *Actions) end(path string, code ipmi.Code, now time.Duration) error {
	a.ended = append(a.ended, endedAction{path, now})
	line, err := json.Marshal(actionAnswer{code, now})
	if err != nil {
		return fmt.Errorf("action answer: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("action answer: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s%s\n", answerPrefix, line)
	return errors.Join(err, f.Close())
}

// prune removes the files of actions that no request can repeat.
func (a *Actions) prune(now time.Duration) {
	for len(a.ended) > 0 && (now-a.ended[0].at >= sameSeqHold || len(a.ended) > maxActions) {
		os.Remove(a.ended[0].file)
		a.ended = a.ended[1:]
	}
}

// load reads the files that earlier processes left. One whose first line is not
// whole belongs to an action that never started.
func (a *Actions) load() ([]actionFile, error) {
	paths, err := filepath.Glob(filepath.Join(a.Dir, actionPattern))
	if err != nil {
		return nil, err
	}
	var all []actionFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, ok := parseAction(path, string(text))
		if !ok {
			os.Remove(path)
			continue
		}
		if f.answer != nil {
			a.ended = append(a.ended, endedAction{path, f.answer.At})
		}
		all = append(all, f)
	}
	return all, nil
}

func parseAction(path, text string) (actionFile, bool) {
	f := actionFile{path: path}
	head, rest, _ := strings.Cut(text, "\n")
	if json.Unmarshal([]byte(head), &f) != nil {
		return actionFile{}, false
	}
	for line := range strings.Lines(rest) {
		var answer actionAnswer
		if after, ok := strings.CutPrefix(line, answerPrefix); ok && json.Unmarshal([]byte(after), &answer) == nil {
			f.answer = &answer
		}
	}
	return f, true
}

// adopt takes over what earlier processes left: the memory of actions that have
// ended, and the one that has not. Its request is handled again for what must
// follow the script, which is not run again.
func (s *Server) adopt() error {
	left, err := s.Actions.load()
	if err != nil {
		return fmt.Errorf("actions of an earlier process: %w", err)
	}
	for _, f := range left {
		j := &job{
			key:      s.replies.key(f.Request),
			file:     f.path,
			started:  f.Began,
			deadline: f.Began + s.Answer,
			request:  &ipmi.Request{Request: f.Request, Session: &f.Session, Now: f.Began, Time: time.Now(), Cause: f.Cause},
			askers:   []asker{{f.Session.ID, 1 << f.Request.RqSeq}},
		}
		if f.answer != nil {
			s.replies.ended(j, f.answer.Code, f.answer.At)
			continue
		}
		var answer ipmi.Answer
		j.command, answer = s.BMC.Handle(j.request)
		j.script = answer.Script
		if j.script == nil { // the provider has changed: there is nothing to follow
			j.script = &ipmi.Script{Verb: f.Verb, Then: func(ipmi.Result) ipmi.Answer { return answer }}
		}
		s.Log.Warn(string(f.Verb)+" goes on: an earlier process began it", "user", f.Session.User, "peer", f.Session.Peer)
		s.run(&s.actions, j, s.Scripts.adopt(j))
	}
	s.Actions.prune(s.Clock())
	return nil
}
