package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/units"
)

// facts are what can be said of a BMC at the moment.
type facts struct {
	status     string
	enabled    bool // starts with the host
	lastAction any  // an actionFact; nil: none since the host was booted, or not for us to see
}

// What can be said of a BMC in a word.
const (
	running = "running" // its socket listens
	down    = "down"
	broken  = "error" // systemd could not start it, or its files make no sense
)

func statusColours(status string) text.Colors {
	switch status {
	case running:
		return text.Colors{text.FgGreen}
	case broken:
		return text.Colors{text.FgRed}
	default:
		return nil
	}
}

// factsOf asks systemd about all bmcs at once.
func (a *app) factsOf(ctx context.Context, bmcs []units.BMC) ([]facts, error) {
	s, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	states, err := s.States(ctx, append(sockets(bmcs), services(bmcs)...))
	if err != nil {
		return nil, err
	}
	enabled, err := a.store.Enabled()
	if err != nil {
		return nil, err
	}
	all := make([]facts, len(bmcs))
	for i, b := range bmcs {
		all[i] = facts{statusOf(b, states), enabled[b.Name], a.lastAction(b)}
	}
	return all, nil
}

func statusOf(b units.BMC, states map[string]string) string {
	socket, service := states[units.SocketUnit(b.Name)], states[units.ServiceUnit(b.Name)]
	switch {
	case b.Err != nil, socket == "failed", socket == "active" && service == "failed":
		return broken
	case socket == "active":
		return running
	default:
		return down
	}
}

// An actionFact is the last thing that somebody asked a BMC to do.
type actionFact struct {
	Verb   string    `json:"verb"`
	Time   time.Time `json:"time"`   // when it ended; before that, when it began
	Result string    `json:"result"` // "done", "running", "unknown", or why it failed
}

func (f actionFact) String() string {
	return fmt.Sprintf("%s: %s (%s)", f.Verb, f.Result, f.Time.Local().Format(time.DateTime))
}

// lastAction reads what the process of a BMC has written for its successor. Nobody
// but root, or who runs the BMC, may.
func (a *app) lastAction(b units.BMC) any {
	files, _ := a.store.ActionFiles(b.Name)
	last := bmc.FindLastAction(files)
	if last == nil {
		return nil
	}
	f := actionFact{Verb: string(last.Verb), Time: last.Time, Result: "unknown"}
	switch {
	case last.Running:
		f.Result = "running"
	case last.Code != nil && *last.Code == ipmi.OK:
		f.Result = "done"
	case last.Code != nil:
		f.Result = last.Code.String()
	}
	return f
}

func sockets(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, units.SocketUnit(b.Name))
	}
	return names
}

func services(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, units.ServiceUnit(b.Name))
	}
	return names
}
