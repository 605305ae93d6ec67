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
	sameSeqHold  = 20 * time.Second // with the same rqSeq it is a repetition that long
	otherSeqHold = 2 * time.Second  // with another rqSeq that long, or twice the gap
	maxHold      = 5 * time.Second  // seen between repetitions, up to this
	maxActions   = 64               // that are remembered

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
	message  []byte
	at       time.Duration
	again    int
}

// A remembered is an action that has ended, as one session asked for it.
type remembered struct {
	asker
	key  uint64
	code ipmi.Code
	at   time.Duration // when it ended
	pace
	// moved is the sequence number of the first packet with another request
	// that the session sent since; 0 if there is none.
	moved uint32
}

// An asker is a session that asked for an action, and under which rqSeqs: bit n
// for rqSeq n.
type asker struct {
	session uint32
	rqSeqs  uint64
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

// dispatched notes that a request is about to be handled.
func (m *replies) dispatched(w *waiter) {
	h := m.history(w.session)
	if h.key != 0 && h.rqSeq == w.request.RqSeq && h.key != w.key {
		h.constant = true
	}
	h.rqSeq, h.key = w.request.RqSeq, w.key
	for _, a := range m.actions {
		if a.session == w.session && a.key != w.key && a.moved == 0 {
			a.moved = w.sequence
		}
	}
}

// repeats returns the action that w asks for once more, if it has ended and w
// is not meant as a new one. The console that has sent another request since has
// its answer, so that only what was under way before is a repetition.
func (m *replies) repeats(w *waiter, now time.Duration) *remembered {
	for _, a := range slices.Backward(m.actions) {
		if a.session != w.session || a.key != w.key {
			continue
		}
		hold := min(max(otherSeqHold, 2*a.gap), maxHold)
		if a.rqSeqs&(1<<w.request.RqSeq) != 0 && !m.history(w.session).constant {
			hold = sameSeqHold
		}
		if now-a.at >= hold || a.moved != 0 && int32(w.sequence-a.moved) > 0 {
			return nil
		}
		a.rqSeqs |= 1 << w.request.RqSeq
		a.step(now)
		return a
	}
	return nil
}

// ended remembers an action for all who asked for it.
func (m *replies) ended(j *job, code ipmi.Code, now time.Duration) {
	for _, a := range j.askers {
		m.actions = append(m.actions, &remembered{asker: a, key: j.key, code: code, at: now, pace: j.pace})
	}
	old := func(a *remembered) bool { return now-a.at >= sameSeqHold }
	m.actions = slices.DeleteFunc(m.actions, old)
	m.actions = slices.Delete(m.actions, 0, max(0, len(m.actions)-maxActions))
}

// answered keeps an answer, in place of the oldest one of its session.
func (m *replies) answered(w *waiter, message []byte, now time.Duration) {
	h := m.history(w.session)
	a := &h.answers[h.next]
	h.next = (h.next + 1) % answersKept
	*a = answered{w.sequence, w.digest, append(a.message[:0], message...), now, 0}
}

// again returns the answer to a datagram that came before, if it is still there
// and was not asked for too often. Nothing is executed for it.
func (m *replies) again(session, sequence uint32, digest uint64, now time.Duration) []byte {
	h := m.histories[session]
	if h == nil {
		return nil
	}
	for i := range h.answers {
		a := &h.answers[i]
		if a.sequence == sequence && a.digest == digest && now-a.at < answerLife && a.again < maxAgain {
			a.again++
			return a.message
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
