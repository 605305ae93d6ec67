package bmc

import (
	"hash/maphash"
	"iter"
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
	maxChanges  = rqSeqs           // that are remembered of each session

	answersKept = 8 // of each session, for identical datagrams
	answerLife  = 10 * time.Second
	maxAgain    = 4
)

// replies remembers what was asked and answered, so that nothing is done twice.
type replies struct {
	seed      maphash.Seed
	histories map[uint32]*history // by session ID
	actions   []*remembered       // oldest first
	until     time.Duration       // from when on no change is remembered
}

// A history is what is remembered of one session.
type history struct {
	answers []answered    // answersKept at most
	next    int           // the oldest of so many
	changes []*remembered // oldest first

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

// A remembered is an action that has ended, or a change of the BMC.
type remembered struct {
	askers
	key    uint64
	alike  bool // under another rqSeq it is another one
	answer ipmi.Answer
	at     time.Duration // when it ended
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
	for a := range m.remembered(h) {
		if a.key != w.key {
			a.moveOn(w)
		}
	}
}

// remembered yields what a request of a session may repeat, latest first.
func (m *replies) remembered(h *history) iter.Seq[*remembered] {
	return func(yield func(*remembered) bool) {
		for _, all := range [][]*remembered{m.actions, h.changes} {
			for _, a := range slices.Backward(all) {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// rqSeqs is how many request sequence numbers there are: so many packets later a
// number comes again.
const rqSeqs = 64

// repeats returns the action or the change that w asks for once more, if it has
// ended and w is not meant as a new one.
func (m *replies) repeats(w *waiter) *remembered {
	h := m.history(w.session)
	for a := range m.remembered(h) {
		who := a.askers.find(w.session)
		if a.key != w.key || who == nil {
			continue
		}
		constant := who.Constant || h.constant
		sameSeq := !constant && who.RqSeqs&(1<<w.request.RqSeq) != 0 && int32(w.sequence-who.Sequence) < rqSeqs
		// Who has sent another request since has the answer; only what was under
		// way before that is a repetition.
		movedOn := who.moved != 0 && int32(w.sequence-who.moved) > 0
		overtaken := int32(w.sequence-who.Sequence) < 0
		otherSeq := !a.alike && (overtaken || !movedOn && who.repeats(w))
		if w.came-a.at >= sameSeqHold || !sameSeq && !otherSeq {
			continue
		}
		again, _ := a.askers.with(w)
		a.askers.put(again)
		return a
	}
	return nil
}

// ended remembers an action for all who asked for it.
func (m *replies) ended(a *action, answer ipmi.Answer, at time.Duration) {
	remember(&m.actions, maxActions, remembered{askers: a.askers, key: a.key, answer: answer, at: at})
}

// changed remembers a change for the session that made it.
func (m *replies) changed(w *waiter, lane ipmi.Lane, answer ipmi.Answer) {
	a := remembered{key: w.key, alike: lane == ipmi.Append, answer: answer, at: w.came}
	a.answer.Ends = nil
	who, _ := a.askers.with(w)
	a.askers.put(who)
	remember(&m.history(w.session).changes, maxChanges, a)
	m.until = w.came + sameSeqHold
}

// recalled remembers the last change that an earlier process made. One that lies ahead
// of now is from before the host was booted, as its session is.
func (m *replies) recalled(c *ipmi.Changed, now time.Duration) {
	command, ago := ipmi.Lookup(c.Request), now-c.At
	if c.Session == 0 || command == nil || ago < 0 || ago >= sameSeqHold {
		return
	}
	w := waiter{session: c.Session, sequence: c.Sequence, came: c.At, key: m.key(c.Request), request: c.Request}
	m.changed(&w, command.Lane, ipmi.Answer{Data: c.Answer})
	m.history(c.Session).changes[0].askers[0].owed = true
}

// remember adds to what is remembered, and forgets what is too old or too much.
func remember(all *[]*remembered, limit int, a remembered) {
	*all = slices.DeleteFunc(*all, func(o *remembered) bool { return a.at-o.at >= sameSeqHold })
	*all = append(slices.Delete(*all, 0, max(0, len(*all)-limit+1)), &a)
}

// answered keeps an answer, in place of the oldest one of its session.
func (m *replies) answered(w *waiter, message []byte, now time.Duration) {
	h := m.history(w.session)
	if len(h.answers) < answersKept {
		h.answers = append(h.answers, answered{})
		h.next = len(h.answers) - 1
	}
	a := &h.answers[h.next]
	h.next = (h.next + 1) % answersKept
	*a = answered{w.sequence, w.digest, w.to, append(a.message[:0], message...), now, 0}
}

// again returns the answer to a datagram that came before, and where it went, if it
// is still there and was not asked for too often. Nothing is executed for it, and
// whoever sends the datagram now gets nothing.
func (m *replies) again(w *waiter, now time.Duration) *answered {
	h := m.histories[w.session]
	if h == nil {
		return nil
	}
	for i := range h.answers {
		a := &h.answers[i]
		if a.sequence == w.sequence && a.digest == w.digest && now-a.at < answerLife && a.again < maxAgain {
			a.again++
			return a
		}
	}
	return nil
}

// owed returns what has ended in an earlier process, or for it, and whose answer w may
// have missed.
func (m *replies) owed(w *waiter) *remembered {
	for a := range m.remembered(m.history(w.session)) {
		if a.settlesDebt(w) {
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
