package bmc

import (
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A situation is what the operator is told about.
type situation struct {
	sessions int
	running  provider.Verb
	last     string
}

func (s situation) String() string {
	text := fmt.Sprintf("%d sessions", s.sessions)
	if s.sessions == 1 {
		text = "1 session"
	}
	switch {
	case s.running != "":
		text += fmt.Sprintf("; %s runs", s.running)
	case s.last != "":
		text += "; last: " + s.last
	}
	return text
}

// report tells the operator when something has changed.
func (b *BMC) report() {
	now := situation{sessions: b.front.Sessions(), last: b.last}
	if j := b.Jobs.Running(); j != nil {
		now.running = j.Intent.Verb
	}
	if now != b.told {
		b.told = now
		b.Status(now.String())
	}
}

// about is who asked, for the log.
func about(a machine.Asker) []any {
	fields := []any{"user", a.User}
	if a.Peer.IsValid() {
		fields = append(fields, "peer", a.Peer)
	}
	return fields
}

// logScript writes what a script did for whom.
func (b *BMC) logScript(verb provider.Verb, asker machine.Asker, took time.Duration, r machine.Reading) {
	fields := append([]any{"took", took.Round(time.Millisecond)}, about(asker)...)
	ended := "done"
	switch {
	case r.Err != nil:
		ended = "failed"
		b.Log.Error(string(verb)+" failed", append([]any{"err", r.Err}, fields...)...)
	case verb == provider.Status && r.On:
		b.Log.Info(string(verb), append([]any{"says", "on"}, fields...)...)
	case verb == provider.Status:
		b.Log.Info(string(verb), append([]any{"says", "off"}, fields...)...)
	case verb == provider.BootGet:
		b.Log.Info(string(verb), append([]any{"says", r.Device}, fields...)...)
	default:
		b.Log.Info(string(verb)+" done", fields...)
	}
	b.last = fmt.Sprintf("%s %s for %s", verb, ended, asker.User)
	if asker.Peer.IsValid() {
		b.last += " at " + asker.Peer.Addr().String()
	}
}
