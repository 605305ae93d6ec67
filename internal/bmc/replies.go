package bmc

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Consoles repeat a request whose answer they miss, each in its own way:
// ipmitool keeps the request sequence number (rqSeq), FreeIPMI changes it and
// takes only the answer to its latest, some always use the same, some send the
// identical datagram again. So an action is known by its session and content.
const (
	sameSeqHold = 20 * time.Second // with the same rqSeq it is a repetition that long
	repeatGap   = 3 * time.Second  // with another rqSeq if it comes as often as that
	maxActions  = 64               // that are remembered

	answersKept = 8 // of each session, for identical datagrams
	answerLife  = 10 * time.Second
	maxAgain    = 4
)

// replies remembers what was asked and answered, so that nothing is done twice.
type replies struct {
	seed      maphash.Seed
	histories map[uint32]*history // by session ID
	actions   []*remembered       // oldest first
}

// A history is what is remembered of one session.
type history struct {
	answers [answersKept]answered
	next    int // the oldest of answers

	rqSeq    byte // of the last request
	key      uint64
	constant bool // the console uses one rqSeq for different requests
}

// An answered is an answer that has left.
type answered struct {
	sequence uint32
	digest   uint64 // of the request's datagram
	to       address
	message  []byte
	at       time.Duration
	again    int
}

// A remembered is an action that has ended.
type remembered struct {
	askers
	key  uint64
	code ipmi.Code
	at   time.Duration // when it ended
}

func newReplies() replies {
	return replies{seed: maphash.MakeSeed(), histories: make(map[uint32]*history)}
}

// key stands for the content of a request.
func (m *replies) key(r rmcp.Request) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	h.WriteByte(r.RsLUN)
	h.WriteByte(byte(r.NetFn))
	h.WriteByte(r.Cmd)
	h.Write(r.Data)
	return h.Sum64()
}

func (m *replies) digest(datagram []byte) uint64 { return maphash.Bytes(m.seed, datagram) }

func (m *replies) history(session uint32) *history {
	h := m.histories[session]
	if h == nil {
		h = new(history)
		m.histories[session] = h
	}
	return h
}

// dispatched notes that a request is about to be handled. A session that still waits
// for the action that runs cannot have its answer.
func (m *replies) dispatched(w *waiter, running *action) {
	h := m.history(w.session)
	h.constant = h.constant || h.key != 0 && h.rqSeq == w.request.RqSeq && h.key != w.key
	h.rqSeq, h.key = w.request.RqSeq, w.key
	if running != nil && running.key != w.key && !running.waiters.have(w.session) {
		running.moveOn(w)
	}
	for _, a := range m.actions {
		if a.key != w.key {
			a.moveOn(w)
		}
	}
}

// rqSeqs is how many request sequence numbers there are: so many packets later a
// number comes again.
const rqSeqs = 64

// repeats returns the action that w asks for once more, if it has ended and w is
// not meant as a new one.
func (m *replies) repeats(w *waiter, now time.Duration) *remembered {
	for _, a := range slices.Backward(m.actions) {
		who := a.askers.find(w.session)
		if a.key != w.key || who == nil {
			continue
		}
		constant := who.Constant || m.history(w.session).constant
		sameSeq := !constant && who.RqSeqs&(1<<w.request.RqSeq) != 0 && int32(w.sequence-who.Sequence) < rqSeqs
		// Who has sent another request since has the answer; only what was under
		// way before that is a repetition.
		movedOn := who.moved != 0 && int32(w.sequence-who.moved) > 0
		overtaken := int32(w.sequence-who.Sequence) < 0
		if now-a.at >= sameSeqHold || !(sameSeq || overtaken || !movedOn && who.repeats(w, now)) {
			return nil
		}
		again, _ := a.askers.with(w, now)
		a.askers.put(again)
		return a
	}
	return nil
}

// ended remembers an action for all who asked for it.
func (m *replies) ended(a *action, code ipmi.Code, at time.Duration) {
	m.actions = slices.DeleteFunc(m.actions, func(o *remembered) bool { return at-o.at >= sameSeqHold })
	m.actions = slices.Delete(m.actions, 0, max(0, len(m.actions)-maxActions+1))
	m.actions = append(m.actions, &remembered{askers: a.askers, key: a.key, code: code, at: at})
}

// answered keeps an answer, in place of the oldest one of its session.
func (m *replies) answered(w *waiter, message []byte, now time.Duration) {
	h := m.history(w.session)
	a := &h.answers[h.next]
	h.next = (h.next + 1) % answersKept
	*a = answered{w.sequence, w.digest, w.to, append(a.message[:0], message...), now, 0}
}

// again returns the answer to a datagram that came before, and where it went, if it
// is still there and was not asked for too often. Nothing is executed for it, and
// whoever sends the datagram now gets nothing.
func (m *replies) again(session, sequence uint32, digest uint64, now time.Duration) *answered {
	h := m.histories[session]
	if h == nil {
		return nil
	}
	for i := range h.answers {
		a := &h.answers[i]
		if a.sequence == sequence && a.digest == digest && now-a.at < answerLife && a.again < maxAgain {
			a.again++
			return a
		}
	}
	return nil
}

// forget drops what belongs to sessions that are not alive any more.
func (m *replies) forget(alive func(session uint32) bool) {
	for session := range m.histories {
		if !alive(session) {
			delete(m.histories, session)
		}
	}
}
