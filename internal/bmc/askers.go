package bmc

import (
	"slices"
	"time"
)

// An asker is a session that asked for an action.
type asker struct {
	Session uint32 `json:"session"`
	// RqSeqs has bit n set for each rqSeq n under which it asked.
	RqSeqs uint64 `json:"rqseqs"`
	// Sequence is the sequence number of the packet in which it asked last.
	Sequence uint32 `json:"sequence"`
	// Constant tells that its console uses one rqSeq for all requests.
	Constant bool `json:"constant,omitempty"`
	// moved is that of the first packet with another request since; 0: none.
	moved uint32
}

// askers has each session once.
type askers []asker

func (all askers) find(session uint32) *asker {
	i := slices.IndexFunc(all, func(a asker) bool { return a.Session == session })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// put replaces what is known of a session.
func (all *askers) put(who asker) {
	if a := all.find(who.Session); a != nil {
		*a = who
	} else {
		*all = append(*all, who)
	}
}

// with is what is known of who sent a request, with that request, and whether it
// was not known.
func (all askers) with(w *waiter) (asker, bool) {
	who := asker{Session: w.session}
	if a := all.find(w.session); a != nil {
		who = *a
	}
	bit := uint64(1) << w.request.RqSeq
	fresh := who.RqSeqs&bit == 0
	who.RqSeqs |= bit
	if fresh || int32(w.sequence-who.Sequence) > 0 {
		who.Sequence = w.sequence
	}
	return who, fresh
}

// moveOn notes that a session has sent another request.
func (all askers) moveOn(w *waiter) {
	if a := all.find(w.session); a != nil && a.moved == 0 && int32(w.sequence-a.Sequence) > 0 {
		a.moved = w.sequence
	}
}

// A pace tells how fast a request is repeated.
type pace struct {
	seen time.Duration // when it came last
	gap  time.Duration // the largest between two
}

func (p *pace) step(now time.Duration) {
	p.gap = max(p.gap, now-p.seen)
	p.seen = now
}
