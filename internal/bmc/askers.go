package bmc

import (
	"slices"
	"time"
)

// An asker is a session that asked for an action.
type asker struct {
	Session uint32 `json:"session"`
	// First is the sequence number of the packet in which it asked first, or may have: those right before that are
	// missing may have held the same request. At is when the first one came.
	First uint32        `json:"first"`
	At    time.Duration `json:"at"`
	// RqSeqs has bit n set for each rqSeq n under which it asked.
	RqSeqs uint64 `json:"rqseqs"`
	// Sequence is the sequence number of the packet in which it asked last.
	Sequence uint32 `json:"sequence"`
	// Constant tells that its console uses one rqSeq for all requests.
	Constant bool `json:"constant,omitempty"`
	// moved is that of the first packet with another request since; 0: none.
	moved uint32
	// owed tells that an earlier process may have left it without an answer.
	owed bool
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
	who := asker{Session: w.session, First: w.sequence - uint32(w.missing), At: w.came}
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

// settlesDebt tells whether w is the very packet in which a session asked an earlier
// process, and gets its answer now: once.
func (all askers) settlesDebt(w *waiter) bool {
	who := all.find(w.session)
	if who == nil || !who.owed || who.Sequence != w.sequence {
		return false
	}
	who.owed = false
	return true
}

// moveOn notes that a session has sent another request.
func (all askers) moveOn(w *waiter) {
	if a := all.find(w.session); a != nil && a.moved == 0 && int32(w.sequence-a.Sequence) > 0 {
		a.moved = w.sequence
	}
}

// repeats tells whether a packet comes so soon after the one in which it asked first,
// for the number of packets that the console has sent, that it is one of a series of
// repetitions. Those that the network has lost have their numbers too.
func (a *asker) repeats(w *waiter) bool {
	return w.came-a.At < time.Duration(int32(w.sequence-a.First))*repeatGap
}
