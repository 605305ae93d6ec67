package bmc

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/session"
)

// How much is answered to whoever has proven nothing, not even his address. A
// second's worth may come at once.
const (
	answersASecond = 20_000
	// One source gets that much once half of the above is used up.
	sourceAnswersASecond = 100
	// Sources share buckets, and each has one in each row. None shares all of them
	// with those who flood, unless these are hundreds; and nobody outside knows who
	// shares which.
	sourceRows, sourceBuckets = 4, 1 << 12
)

// limits bounds the answers that a flood can bring about, in fixed memory. As long
// as there is enough for all, a source has no limit of its own: it may be forged,
// and its true owner must not be kept out.
//
// RAKP Messages 1 and 3 do not count here, for they name an ID that their source
// has been told; see [session.Table] for what they may do.
type limits struct {
	seed    maphash.Seed
	all     bucket
	sources [sourceRows][sourceBuckets]bucket
}

func newLimits() *limits { return &limits{seed: maphash.MakeSeed()} }

// allow tells whether a peer that has proven nothing may have an answer.
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

// A bucket holds a second's worth of a rate. Its value is the time at which it is
// full again, its zero value a full one.
type bucket time.Duration

// left is how much there is of a rate per second.
func (b bucket) left(now time.Duration, rate int) int {
	missing := max(0, time.Duration(b)-now)
	return int((time.Second - missing) * time.Duration(rate) / time.Second)
}

// take takes one, if there is one.
func (b *bucket) take(now time.Duration, rate int) {
	full := max(time.Duration(*b), now) + time.Second/time.Duration(rate)
	*b = bucket(min(full, now+time.Second))
}
