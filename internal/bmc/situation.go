package bmc

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A situation is the facts that the status text of the process reports to the operator.
type situation struct {
	sessions int
	running  provider.Verb
	last     scriptEnd
}

// A scriptEnd is what the operator is told about the end of a script. It is a text only when it is sent.
type scriptEnd struct {
	verb   provider.Verb // empty: no script has ended
	user   string
	addr   netip.Addr // of the client; not valid if none asked
	failed bool
}

func (e scriptEnd) String() string {
	ended := "done"
	if e.failed {
		ended = "failed"
	}
	text := fmt.Sprintf("%s %s for %s", e.verb, ended, e.user)
	if e.addr.IsValid() {
		text += " at " + e.addr.String()
	}
	return text
}

func (s situation) String() string {
	text := strconv.Itoa(s.sessions) + " sessions"
	if s.sessions == 1 {
		text = "1 session"
	}
	switch {
	case s.running != "":
		text += "; " + string(s.running) + " runs"
	case s.last.verb != "":
		text += "; last: " + s.last.String()
	}
	return text
}

// report tells the operator when something has changed.
func (b *BMC) report() {
	now := situation{sessions: b.front.Sessions(), last: b.last}
	for _, c := range b.beside {
		now.sessions += c.Sessions()
	}
	if j := b.Jobs.Running(); j != nil {
		now.running = j.Intent.Verb
	}
	if now != b.told {
		b.told = now
		b.Status(now.String())
	}
}

// about returns the client that asked, for the log.
func about(a machine.Asker) []any {
	fields := []any{"user", a.User}
	if a.Peer.IsValid() {
		fields = append(fields, "peer", a.Peer)
	}
	return fields
}

// powerAfter is whether the managed machine is on after a script, as far as the script tells: "on", "off", or nothing.
func powerAfter(verb provider.Verb, r machine.Reading) string {
	switch {
	case r.Err != nil:
		return ""
	case verb.Starts(), verb == provider.Status && r.On:
		return "on"
	case verb == provider.Off, verb == provider.Status:
		return "off"
	}
	return ""
}

// logScript logs the end of a script and the client that asked for it, or only counts it.
func (b *BMC) logScript(verb provider.Verb, asker machine.Asker, took time.Duration, r machine.Reading, logged bool) {
	happened := event.Event{
		Kind: event.Ended, Via: asker.Via, Verb: verb.Identifier(), Result: string(machine.OutcomeOf(r.Err)),
		Power: powerAfter(verb, r), Took: took,
	}
	if verb.Asks() {
		happened.Kind = event.Query
	}
	if !logged {
		b.Log.Log(b.scripts, event.Counted, string(verb), happened.Attr())
		return
	}
	level, message := slog.LevelInfo, string(verb)+" done"
	fields := append([]any{"took", took.Round(time.Millisecond), happened.Attr()}, about(asker)...)
	says := said(verb, r)
	switch {
	case r.Err != nil:
		level, message = slog.LevelError, string(verb)+" failed"
		fields = append([]any{"err", r.Err}, fields...)
	case says != "":
		message = string(verb)
		fields = append([]any{"says", says}, fields...)
	}
	b.Log.Log(b.scripts, level, message, fields...)
}

// said returns what the log has of an answer: that of a power status, and the boot device.
func said(verb provider.Verb, r machine.Reading) string {
	switch {
	case verb == provider.Status && r.On:
		return "on"
	case verb == provider.Status:
		return "off"
	}
	return string(r.Device)
}

// noteScript notes for the operator how the last script ended, and which client asked for it.
func (b *BMC) noteScript(verb provider.Verb, asker machine.Asker, err error) {
	b.last = scriptEnd{verb, asker.User, asker.Peer.Addr(), err != nil}
}

const (
	queryLogInterval = time.Minute // in which the same answer for the same client is logged once
	maxQueryClients  = 64          // remembered at most
)

// queryLog holds what the log says of the last answer of a query to each client. A monitoring system may ask every few
// seconds, and a line for each answer would fill the journal.
type queryLog map[queryClient]queryAnswer

type queryClient struct {
	verb provider.Verb
	user string
	addr netip.Addr
}

type queryAnswer struct {
	said   string
	failed bool
	at     time.Duration
}

// logs reports whether an answer is to be logged. If there are too many clients, all are forgotten, and their next answers
// are logged.
func (l queryLog) logs(c queryClient, r machine.Reading, now time.Duration) bool {
	answer := queryAnswer{said(c.verb, r), r.Err != nil, now}
	last, known := l[c]
	if known && !answer.failed && !last.failed && answer.said == last.said && now-last.at < queryLogInterval {
		return false
	}
	if len(l) >= maxQueryClients {
		clear(l)
	}
	l[c] = answer
	return true
}
