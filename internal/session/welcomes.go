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

// news tells whether there was none of this user from this address lately. One that is forgotten
// for lack of room is news again.
func (w welcomes) news(s *Session, now time.Duration) bool {
	a := attempt{netip.PrefixFrom(s.Peer.Addr(), s.Peer.Addr().BitLen()), s.name}
	if now < w[a] {
		return false
	}
	remember(w, a, now+welcomeLife, now)
	return true
}
