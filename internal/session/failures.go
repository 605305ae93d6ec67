package session

import (
	"maps"
	"net/netip"
	"time"
)

// The back-off after failed logins. The numbers are our choice.
const (
	maxFailures = 10              // before further logins are delayed
	failureLife = 6 * time.Second // one failure expires in that time, one after the other
	maxOrigins  = 1024            // remembered at most
)

// An origin is a user name and the source that uses it. Failed logins of one origin delay neither other users at the same
// source nor the same user at another source. The source cannot be forged: it has received a session ID.
type origin struct {
	source netip.Prefix
	name   string
}

// origin returns the origin to which a failure of the session is counted.
func (s *Session) origin() origin { return originOf(s.Peer, s.name) }

// Delays reports whether a login of a user at another front of the BMC is delayed, because the
// user has failed too often: the fronts count together.
func (t *Table) Delays(peer netip.AddrPort, name string, now time.Duration) bool {
	return t.failures.tooMany(originOf(peer, name), now)
}

// LoginFailed counts a failed login at another front.
func (t *Table) LoginFailed(peer netip.AddrPort, name string, now time.Duration) {
	t.failures.add(originOf(peer, name), now)
}

// LoggedIn notes a login at another front, and reports whether it is to be logged.
func (t *Table) LoggedIn(peer netip.AddrPort, name string, now time.Duration) (logs bool) {
	t.failures.forget(originOf(peer, name))
	return t.recentLogins.logs(peer, name, now)
}

// maxName is the length of the longest name of a user.
const maxName = 16

// originOf is the origin of a login. All names that are too long are one.
func originOf(peer netip.AddrPort, name string) origin {
	return origin{Source(peer), name[:min(len(name), maxName+1)]}
}

// failures counts the key exchanges of each origin that did not lead to a session. Guessing passwords leaves failures
// behind, and so does collecting the codes of RAKP Message 2 to guess passwords elsewhere.
type failures struct {
	until map[origin]time.Duration // when the last failure of the origin expires
	last  time.Duration            // when all failures have expired, or a little later
}

// add counts a failure. If there are too many origins, another origin is forgotten and is then not delayed.
func (f *failures) add(o origin, now time.Duration) {
	until := min(max(f.until[o], now)+failureLife, now+maxFailures*failureLife)
	remember(f.until, o, until, now)
	f.last = max(f.last, until)
}

// forget removes the failures of an origin that has logged in.
func (f *failures) forget(o origin) {
	if _, failed := f.until[o]; !failed {
		return
	}
	delete(f.until, o)
	f.last = 0
	for _, until := range f.until {
		f.last = max(f.last, until)
	}
}

// any reports whether a failure has not expired. The BMC asks for every datagram, so any does not look at each origin.
func (f *failures) any(now time.Duration) bool { return now < f.last }

// tooMany reports whether the next login of the origin is delayed.
func (f *failures) tooMany(o origin, now time.Duration) bool {
	return f.until[o]-now > (maxFailures-1)*failureLife
}

// bySource returns the number of failures of each source, of all names together.
func (f *failures) bySource(now time.Duration) map[netip.Prefix]int {
	expire(f.until, now)
	n := make(map[netip.Prefix]int)
	for o, until := range f.until {
		n[o.source] += int((until - now + failureLife - 1) / failureLife)
	}
	return n
}

// remember sets the time at which an origin expires. If there are maxOrigins others, it removes some.
func remember(all map[origin]time.Duration, o origin, until, now time.Duration) {
	if _, known := all[o]; !known && len(all) >= maxOrigins {
		expire(all, now)
		for other := range all {
			if len(all) < maxOrigins {
				break
			}
			delete(all, other)
		}
	}
	all[o] = until
}

func expire(all map[origin]time.Duration, now time.Duration) {
	maps.DeleteFunc(all, func(_ origin, until time.Duration) bool { return until <= now })
}
