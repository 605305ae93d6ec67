package jobs

import "slices"

// maxCalls is how many requests may wait for one script.
const maxCalls = 64

// A Call is a request that waits for an answer.
type Call[A any] struct {
	Request
	// Answer answers the request. It is called at most once: a later packet that repeats
	// the request takes its place.
	Answer func(A)
}

// calls wait for the same script, the earliest first.
type calls[A any] []Call[A]

// join adds a call. A request that was repeated waits once, and it has waited since it came
// first. If too many wait, the first of the same session is dropped: a client that repeats a
// request under another number takes the answer to its latest.
func (all *calls[A]) join(c Call[A]) {
	for _, o := range *all {
		if o.Session == c.Session && o.Key == c.Key {
			c.At = min(c.At, o.At)
		}
	}
	if i := all.index(c.Request); i >= 0 {
		(*all)[i] = c
		return
	}
	if len(*all) >= maxCalls {
		first := slices.IndexFunc(*all, func(o Call[A]) bool { return o.Session == c.Session })
		*all = slices.Delete(*all, max(0, first), max(0, first)+1)
	}
	*all = append(*all, c)
}

// index is where the call of a request is, under whichever packet it came; -1: nowhere.
func (all calls[A]) index(r Request) int {
	return slices.IndexFunc(all, func(c Call[A]) bool { return c.Session == r.Session && c.RqSeq == r.RqSeq })
}

// drop removes the call of a request, under whichever packet it came.
func (all *calls[A]) drop(r Request) {
	if i := all.index(r); i >= 0 {
		*all = slices.Delete(*all, i, i+1)
	}
}

// take removes calls and returns them.
func (all *calls[A]) take(which func(Call[A]) bool) (taken calls[A]) {
	*all = slices.DeleteFunc(*all, func(c Call[A]) bool {
		take := which(c)
		if take {
			taken = append(taken, c)
		}
		return take
	})
	return taken
}

// leave drops the calls of a session.
func (all *calls[A]) leave(session uint32) {
	*all = slices.DeleteFunc(*all, func(c Call[A]) bool { return c.Session == session })
}

func (all calls[A]) have(session uint32) bool {
	return slices.ContainsFunc(all, func(c Call[A]) bool { return c.Session == session })
}

// answer answers all calls.
func (all *calls[A]) answer(a A) {
	waiting := *all
	*all = nil
	for _, c := range waiting {
		c.Answer(a)
	}
}
