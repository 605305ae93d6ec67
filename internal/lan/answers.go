package lan

import (
	"hash/maphash"
	"time"
)

// The limits of the answers that are kept for datagrams that arrive again. Some clients, such
// as go-ipmi, repeat the identical datagram.
const (
	answersKept = 8 // of each session
	answerLife  = 10 * time.Second
	maxAgain    = 4
)

// answers holds the latest answers of each session. Nothing is executed for a datagram that
// came before.
type answers struct {
	seed     maphash.Seed
	sessions map[uint32]*sent
}

// sent holds the latest answers of a session in a ring.
type sent struct {
	answers []answer // answersKept at most
	next    int      // the oldest, once there are so many
}

// An answer is an answer that was sent.
type answer struct {
	sequence uint32 // of the request's packet
	digest   uint64 // of the request's datagram
	to       address
	message  []byte
	at       time.Duration
	again    int // how often it was sent again
}

func newAnswers() answers {
	return answers{seed: maphash.MakeSeed(), sessions: make(map[uint32]*sent)}
}

func (a *answers) digest(datagram []byte) uint64 { return maphash.Bytes(a.seed, datagram) }

// put keeps an answer, in place of the oldest of its session.
func (a *answers) put(r *request, message []byte, now time.Duration) {
	s := a.sessions[r.Session]
	if s == nil {
		s = new(sent)
		a.sessions[r.Session] = s
	}
	if len(s.answers) < answersKept {
		s.answers = append(s.answers, answer{})
		s.next = len(s.answers) - 1
	}
	kept := &s.answers[s.next]
	s.next = (s.next + 1) % answersKept
	*kept = answer{r.Sequence, r.digest, r.to, append(kept.message[:0], message...), now, 0}
}

// again returns the answer to a datagram that came before, and where the answer went; nil if
// it is too old or was sent too often. A stranger who sends the datagram gets nothing.
func (a *answers) again(r *request, now time.Duration) *answer {
	s := a.sessions[r.Session]
	if s == nil {
		return nil
	}
	for i := range s.answers {
		kept := &s.answers[i]
		if kept.sequence == r.Sequence && kept.digest == r.digest && now-kept.at < answerLife && kept.again < maxAgain {
			kept.again++
			return kept
		}
	}
	return nil
}

// forgetSessions drops the answers of sessions that are not alive any more.
func (a *answers) forgetSessions(alive func(session uint32) bool) {
	for session := range a.sessions {
		if !alive(session) {
			delete(a.sessions, session)
		}
	}
}
