package session

import (
	"net/netip"
	"time"
)

// A login is logged if the same user has not logged in from the same address within loginLogInterval before.
const loginLogInterval = time.Minute

// recentLogins holds when the next login of an origin is logged again. A monitoring system may open a session every few
// seconds, and a log line for each of them would fill the journal. The source of these origins is one address, unlike
// that of failures.
type recentLogins map[origin]time.Duration

func (recentLogins) origin(peer netip.AddrPort, name string) origin {
	return origin{netip.PrefixFrom(peer.Addr(), peer.Addr().BitLen()), name}
}

// logs reports whether a login is to be logged, and starts the interval for its origin if so. If there are too many
// origins, another origin is forgotten and its next login is logged.
func (r recentLogins) logs(peer netip.AddrPort, name string, now time.Duration) bool {
	o := r.origin(peer, name)
	if now < r[o] {
		return false
	}
	remember(r, o, now+loginLogInterval, now)
	return true
}

// forget makes the next login of the origin of s be logged.
func (r recentLogins) forget(s *Session) { delete(r, r.origin(s.Peer, s.name)) }
