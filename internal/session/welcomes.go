package session

import (
	"net/netip"
	"time"
)

// welcomeLife is how long it is no news that a user has come again.
const welcomeLife = time.Minute

// welcomes holds until when it is no news that a user opens a session from an address. Those who
// ask for something every few seconds, and open a session each time, would fill the journal.
type welcomes map[attempt]time.Duration

// from is whose sessions are alike: not those of a whole network, as it is with failures.
func (welcomes) from(s *Session) attempt {
	return attempt{netip.PrefixFrom(s.Peer.Addr(), s.Peer.Addr().BitLen()), s.name}
}

// news tells whether there was no session of this user from this address lately. One that is
// forgotten for lack of room is news again.
func (w welcomes) news(s *Session, now time.Duration) bool {
	from := w.from(s)
	if now < w[from] {
		return false
	}
	remember(w, from, now+welcomeLife, now)
	return true
}

// forget has the next one be news.
func (w welcomes) forget(s *Session) { delete(w, w.from(s)) }
