package bmc

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
)

const maxWaiters = 64 // for one script

// A waiter is a request that wants an answer.
type waiter struct {
	to       address
	user     string
	session  uint32
	sequence uint32        // of the packet in its session
	missing  int           // packets right before that have not come
	came     time.Duration // when, which may be long before it is handled
	digest   uint64        // of the datagram
	key      uint64        // of the request's content
	request  rmcp.Request
	command  *ipmi.Command
	then     func(ipmi.Result) ipmi.Answer
}

// waiters wait for the same script, the earliest first.
type waiters []waiter

// join adds a waiter. A request that was repeated waits once, and where there are
// too many the session's first gives way, since a console that repeats a request
// under another number takes the answer to the latest.
func (all *waiters) join(w waiter) {
	same := func(o waiter) bool { return o.session == w.session && o.request.RqSeq == w.request.RqSeq }
	if i := slices.IndexFunc(*all, same); i >= 0 {
		(*all)[i] = w
		return
	}
	if len(*all) >= maxWaiters {
		first := slices.IndexFunc(*all, func(o waiter) bool { return o.session == w.session })
		*all = slices.Delete(*all, max(0, first), max(0, first)+1)
	}
	*all = append(*all, w)
}

// have tells whether a session waits.
func (all waiters) have(session uint32) bool {
	return slices.ContainsFunc(all, func(o waiter) bool { return o.session == session })
}

// settle answers all who wait; none does any more.
func (s *Server) settle(all *waiters, answer func(*waiter) ipmi.Answer) {
	settled := *all
	*all = nil
	for i := range settled {
		w := &settled[i]
		s.reply(w, w.command, answer(w))
	}
}

// same gives everybody one answer.
func same(a ipmi.Answer) func(*waiter) ipmi.Answer {
	return func(*waiter) ipmi.Answer { return a }
}
