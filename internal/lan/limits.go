package lan

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/session"
)

// The limits for answers to sources that have proven nothing, not even their address. The
// answers of one second may be used at once.
const (
	answersASecond = 20_000
	// sourceAnswersASecond is the limit of one source once half of answersASecond is used up.
	sourceAnswersASecond = 100
	// Sources share buckets, and each source has one bucket in each row. A source shares all
	// its buckets with a flood only if the flood has hundreds of sources. A seed keeps attackers
	// from knowing which sources share buckets.
	sourceRows, sourceBuckets = 4, 1 << 12
)

// limits bounds the answers that a flood can cause, in fixed memory. As long as there is
// enough for all, one source has no limit of its own: its address may be forged, and the true
// owner of the address must still get answers.
//
// RAKP Messages 1 and 3 are not limited here, because they contain a session ID that only
// their source has received; see [session.Table] for their limits.
type limits struct {
	seed    maphash.Seed
	all     bucket
	sources [sourceRows][sourceBuckets]bucket
}

func newLimits() *limits { return &limits{seed: maphash.MakeSeed()} }

// allow reports whether a peer that has proven nothing may get an answer.
func (l *limits) allow(peer netip.AddrPort, now time.Duration) bool {
	hash := maphash.Comparable(l.seed, session.Source(peer))
	var own [sourceRows]*bucket
	var ownLeft int
	for row := range own {
		own[row] = &l.sources[row][hash>>(16*row)%sourceBuckets]
		ownLeft = max(ownLeft, own[row].left(now, sourceAnswersASecond))
	}
	left := l.all.left(now, answersASecond)
	if left < 1 || left < answersASecond/2 && ownLeft < 1 {
		return false
	}
	l.all.take(now, answersASecond)
	for _, b := range own {
		b.take(now, sourceAnswersASecond)
	}
	return true
}

// A bucket holds what a rate allows in one second. Its value is the time at which it is full
// again; the zero value is a full bucket.
type bucket time.Duration

// left is how many answers the bucket has left. The rate is in answers a second.
func (b bucket) left(now time.Duration, rate int) int {
	missing := max(0, time.Duration(b)-now)
	return int((time.Second - missing) * time.Duration(rate) / time.Second)
}

// take uses up one answer of the bucket, if one is left.
func (b *bucket) take(now time.Duration, rate int) {
	full := max(time.Duration(*b), now) + time.Second/time.Duration(rate)
	*b = bucket(min(full, now+time.Second))
}
