package jobs

import "slices"

// maxCalls is how many requests may wait for one script before a session that has several of them loses one.
const maxCalls = 64

// A Call is a request that waits for an answer.
type Call[A any] struct {
	Request
	// Answer answers the request. It is called at most once: a later packet that repeats
	// the request takes its place.
	Answer func(A)
	// Promise is set if the client may be told that the job is accepted while the job still
	// waits for its turn.
	Promise bool
	// Joined, unless it is nil, is called with the job that the request waits for, before
	// Answer.
	Joined func(*Job)
}

// join tells the call which job it waits for.
func (c Call[A]) join(j *Job) {
	if c.Joined != nil {
		c.Joined(j)
	}
}

// calls wait for the same script, the earliest first.
type calls[A any] []Call[A]

// join adds a call. A request that was repeated waits once, and it has waited since it came
// first.
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
		all.makeRoom()
	}
	*all = append(*all, c)
}

// makeRoom drops the first call of the session that has the most: a client that repeats a request
// under another number takes the answer to its latest. The only call of a session is not dropped,
// because its client may not repeat it any more. Nor is a request without a number, because its
// connection waits. The fronts limit how many sessions and connections there are.
func (all *calls[A]) makeRoom() {
	drop, most := -1, 1
	for i, c := range *all {
		if n := all.numbered(c.Session); c.Sequence != 0 && n > most {
			drop, most = i, n
		}
	}
	if drop >= 0 {
		*all = slices.Delete(*all, drop, drop+1)
	}
}

// numbered is how many requests of a session with numbers wait.
func (all calls[A]) numbered(session uint32) (n int) {
	for _, c := range all {
		if c.Session == session && c.Sequence != 0 {
			n++
		}
	}
	return n
}

// index is where the call of a request is, under whichever packet it came; -1: nowhere.
func (all calls[A]) index(r Request) int {
	return slices.IndexFunc(all, func(c Call[A]) bool {
		numbered := c.Sequence != 0 && r.Sequence != 0
		return c.Session == r.Session && c.RqSeq == r.RqSeq && (numbered || c.Key == r.Key)
	})
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

// leave drops the calls of a session that has ended. A request without a number has no session
// that could end, only a number of the front in the place of one.
func (all *calls[A]) leave(session uint32) {
	*all = slices.DeleteFunc(*all, func(c Call[A]) bool { return c.Session == session && c.Sequence != 0 })
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
