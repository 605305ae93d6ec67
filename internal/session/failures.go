package session

import (
	"maps"
	"net/netip"
	"time"
)

// What we chose.
const (
	maxFailures = 10              // at once
	failureLife = 6 * time.Second // each, one after the other
	maxAttempts = 1024            // that are remembered
)

// An attempt is whose key exchanges count together. Others are not kept out: not
// other users behind the same address, nor the user elsewhere. The source is no
// forgery, for it has been told a session ID there.
type attempt struct {
	source netip.Prefix
	name   string
}

// attempt is what the session counts as if it comes to nothing.
func (s *Session) attempt() attempt { return attempt{Source(s.Peer), s.name} }

// failures counts the key exchanges that did not make a session: those who guess
// passwords leave them behind, and those who collect the codes of RAKP Message 2.
// It holds the time at which the last one is forgotten.
type failures map[attempt]time.Duration

// add counts a failure. One that is forgotten for lack of room keeps nobody out.
func (f failures) add(a attempt, now time.Duration) {
	until := min(max(f[a], now)+failureLife, now+maxFailures*failureLife)
	remember(f, a, until, now)
}

// tooMany tells that another key exchange must wait.
func (f failures) tooMany(a attempt, now time.Duration) bool {
	return f[a]-now > (maxFailures-1)*failureLife
}

// bySource is how many failures count against each source, whatever the names.
func (f failures) bySource(now time.Duration) map[netip.Prefix]int {
	expire(f, now)
	n := make(map[netip.Prefix]int)
	for a, until := range f {
		n[a.source] += int((until - now + failureLife - 1) / failureLife)
	}
	return n
}

// remember sets the time until which an attempt counts, and forgets others where there
// is no room.
func remember(all map[attempt]time.Duration, a attempt, until, now time.Duration) {
	if _, known := all[a]; !known && len(all) >= maxAttempts {
		expire(all, now)
		for other := range all {
			if len(all) < maxAttempts {
				break
			}
			delete(all, other)
		}
	}
	all[a] = until
}

func expire(all map[attempt]time.Duration, now time.Duration) {
	maps.DeleteFunc(all, func(_ attempt, until time.Duration) bool { return until <= now })
}
