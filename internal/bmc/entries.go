package bmc

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// recordAdded is what a log says of an entry of the event log that is a client's record.
const recordAdded = "record"

// noteEntries tells of the entries that were added to the event log, once they are saved.
func (b *BMC) noteEntries() {
	log := &b.Machine.State.Events
	before := b.additions
	b.additions = log.Additions
	if log.Additions <= before { // fewer: a state that could not be saved was taken back
		return
	}
	n := min(log.Additions-before, uint64(len(log.Entries)))
	added := slices.Clone(log.Entries[uint64(len(log.Entries))-n:])
	b.Stored(func(err error) {
		if err != nil {
			return
		}
		for _, e := range added {
			b.entryAdded(e)
		}
	})
}

func (b *BMC) entryAdded(e machine.Entry) {
	what := cmp.Or(string(e.Event.Kind), recordAdded)
	b.Log.Info("event log: "+what, "id", fmt.Sprintf("%#04x", e.ID), event.Event{Kind: event.Added, Result: what}.Attr())
	if len(b.hooks.waiting) >= maxHooks {
		b.Log.Warn(tooManyHooks)
		return
	}
	b.hooks.waiting = append(b.hooks.waiting, e)
	b.nextHook()
}

const (
	maxHooks       = 60 // that begin in hooksPeriod, and that wait
	hooksPeriod    = time.Minute
	tooManyHooks   = "script for an event not run: there are too many"
	hookNotStarted = "script for an event not run"
)

// hooks are runs of the script of [provider.EventsAdded]: one at a time, and nothing waits for them but the end of the
// process. A run that the end of the process cuts short is not repeated.
type hooks struct {
	waiting []machine.Entry
	running bool
	since   time.Duration // when the period began
	begun   int           // in the period
}

// take returns the next entry for which the script may run now. If too many have run, it drops all that wait.
func (h *hooks) take(now time.Duration) (e machine.Entry, dropped int) {
	if now-h.since >= hooksPeriod {
		h.since, h.begun = now, 0
	}
	if h.begun >= maxHooks {
		dropped, h.waiting = len(h.waiting), nil
		return machine.Entry{}, dropped
	}
	h.begun++
	e, h.waiting = h.waiting[0], h.waiting[1:]
	return e, 0
}

// nextHook runs the script for the next entry that waits, unless it runs already.
func (b *BMC) nextHook() {
	if b.hooks.running || len(b.hooks.waiting) == 0 {
		return
	}
	b.hooks.running = true
	b.workers.Go(func() {
		b.hook()
		b.Enter(func() {
			b.hooks.running = false
			b.nextHook()
		})
	})
}

func (b *BMC) hook() {
	runner, err := b.load(b.scripts)
	var entry machine.Entry
	begins := false
	b.Enter(func() {
		if err != nil || !runner.Has(provider.EventsAdded) {
			b.hooks.waiting = nil
			if err != nil {
				b.Log.Error(hookNotStarted, "err", err)
			}
			return
		}
		var dropped int
		entry, dropped = b.hooks.take(b.now)
		begins = dropped == 0
		for range dropped {
			b.Log.Warn(tooManyHooks)
		}
	})
	if !begins {
		return
	}
	ctx, cancel := context.WithTimeout(b.scripts, b.Query)
	defer cancel()
	args := provider.Args{Entry: provider.LogEntry{
		ID: entry.ID, Time: entry.Time, What: cmp.Or(string(entry.Event.Kind), recordAdded), Record: hex.EncodeToString(b.Record(entry)),
	}}
	if said := runner.Query(ctx, provider.EventsAdded, args); said.Err != nil {
		b.Log.Error("script for an event failed", "err", said.Err)
	}
}
