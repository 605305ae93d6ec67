package jobs

import (
	"cmp"
	"slices"
	"time"
)

// A Request is what a front knows of a request before it knows what to do about it: enough
// to tell a retransmission from a new request.
type Request struct {
	Session  uint32 // of the client; never 0
	Sequence uint32 // number of the packet in its session; 0: the client's requests have no numbers
	RqSeq    byte   // request sequence number (IPMI 2.0 §13.8), 0 to 63
	Key      uint64 // a hash of the content; never 0
	At       time.Duration
}

// A Caller is a session that asked for a job, as the action file keeps it.
type Caller struct {
	Session uint32 `json:"session"`
	Key     uint64 `json:"key"`
	// RqSeqs has bit n set for each request sequence number n that the session used for
	// this job.
	RqSeqs uint64 `json:"rqseqs"`
	// Sequence is the highest number of a packet that asked for this job, and Latest is
	// when that packet came, in time since boot.
	Sequence uint32        `json:"sequence"`
	Latest   time.Duration `json:"latest"`
	// Moved is the number of the first packet after Sequence that asked for something else;
	// 0: none.
	Moved uint32 `json:"moved,omitempty"`
	// Constant is set if the client uses one request sequence number for all requests.
	Constant bool `json:"constant,omitempty"`
	// Delivered is Latest of the latest request that was answered, if the client's requests
	// have no numbers: see [Table.Delivered].
	Delivered time.Duration `json:"delivered,omitempty"`

	kept       *Caller // what the action file has; nil: nothing
	answered   bool    // the session has had an answer
	unanswered bool    // an earlier process may have left the session without an answer
}

// The limits within which a request repeats an earlier one.
const (
	// RepeatHold is how long after its end a job is remembered.
	RepeatHold = 20 * time.Second
	// repeatGap is the longest time from one packet of a client to its next, for each
	// packet number in between, if the second is to repeat the first.
	repeatGap = 5 * time.Second
	// rqSeqs is how many request sequence numbers there are. A client that counts them up
	// uses a number again that many packets later.
	rqSeqs = 64
)

// repeats reports whether r, which has the same session and content, asks for the same
// job again: clients repeat a request whose answer they miss.
//
//   - ipmitool keeps the request sequence number.
//   - FreeIPMI changes it. Its packet is a repetition if the client has sent no other request
//     since, and if at most repeatGap has passed for each packet number since the latest
//     packet. Numbers that are missing are those of packets that the network has lost.
//   - A packet with a lower number than the latest one is a repetition that the network has
//     delayed.
//
// With byRqSeq a different request sequence number means a new request.
func (c *Caller) repeats(r Request, byRqSeq bool) bool {
	ahead := int32(r.Sequence - c.Sequence)
	sameRqSeq := !c.Constant && c.RqSeqs&(1<<r.RqSeq) != 0 && ahead < rqSeqs
	movedOn := c.Moved != 0 && int32(r.Sequence-c.Moved) > 0
	soon := r.At-c.Latest <= time.Duration(ahead)*repeatGap
	return sameRqSeq || !byRqSeq && (c.overtook(r) || !movedOn && soon)
}

// overtook reports whether r was sent before the latest packet of the caller, and came after
// it.
func (c *Caller) overtook(r Request) bool { return int32(r.Sequence-c.Sequence) < 0 }

// keep notes that the action file has a line for the caller.
func (c *Caller) keep(line Caller) {
	line.kept = nil
	if c.kept != nil {
		line.merge(*c.kept)
	}
	c.kept = &line
}

// keeps reports whether the next process would recognize a packet that repeats r.
func (c *Caller) keeps(r Request) bool {
	return c.kept != nil && c.kept.owed() && c.kept.RqSeqs&(1<<r.RqSeq) != 0 && c.kept.repeats(r, false)
}

// merge adds what is known of the same session and content from another source: from a later
// packet, or from another line of the action file.
func (c *Caller) merge(o Caller) {
	c.RqSeqs |= o.RqSeqs
	c.Constant = c.Constant || o.Constant
	c.Delivered = max(c.Delivered, o.Delivered)
	switch ahead := int32(o.Sequence - c.Sequence); {
	case ahead > 0:
		c.Sequence, c.Latest = o.Sequence, o.Latest
		c.unanswered = false // that was an earlier packet
		if o.Moved != 0 || int32(o.Sequence-c.Moved) > 0 {
			c.Moved = o.Moved
		}
	case ahead == 0:
		c.Latest = max(c.Latest, o.Latest)
		c.Moved = cmp.Or(o.Moved, c.Moved)
	}
}

// Callers has each session once for each content.
type Callers []Caller

func (all Callers) find(session uint32, key uint64) *Caller {
	i := slices.IndexFunc(all, func(c Caller) bool { return c.Session == session && c.Key == key })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// keep notes that the action file, which is about to be written, has all callers.
func (all Callers) keep() {
	for i := range all {
		all[i].keep(all[i])
	}
}

// answered notes that the session of a request gets an answer.
func (all Callers) answered(r Request) {
	if c := all.find(r.Session, r.Key); c != nil {
		c.answered = true
	}
}

// Put adds a caller, or merges it with what is known of the same session and content.
func (all *Callers) Put(c Caller) {
	if known := all.find(c.Session, c.Key); known != nil {
		known.merge(c)
	} else {
		*all = append(*all, c)
	}
}

// takeUnanswered reports whether a packet is the one whose answer an earlier process may
// owe to its session: once, and only while the session has sent nothing else.
func (all Callers) takeUnanswered(session, sequence uint32) bool {
	for i := range all {
		if c := &all[i]; c.Session == session && c.Sequence == sequence && c.Moved == 0 && c.unanswered {
			c.unanswered = false
			return true
		}
	}
	return false
}
