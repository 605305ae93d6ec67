package jobs

import (
	"slices"
	"time"
)

// owed reports whether no answer to the latest request of a caller without request numbers has
// left. The answers to other callers are not recorded.
func (c *Caller) owed() bool { return c.Latest > c.Delivered }

// Owed returns the job that a client without request numbers asked for last, if no answer to that
// has left: the connection broke, or the process ended first. The client's next request with the
// same content is to [Table.Join] that job. nil: the request is new. Nothing is owed if nothing
// was done, or when the job is forgotten.
//
// A process that dies after an answer has left may not have noted that. So an outcome that another
// action has made out of date is not owed if its action can be repeated without harm: a client
// that switches off is not told "done" of a machine that was switched on since.
func (t *Table) Owed(session uint32, key uint64, now time.Duration) (last *Job) {
	var latest time.Duration
	for j := range t.known(new(history)) {
		c := j.Callers.find(session, key)
		if c == nil || !c.owed() || j.refused || j.State == Over && (now-j.Ended >= RepeatHold || j.Intent.Verb.Absolute() && t.followed(j)) {
			continue
		}
		if last == nil || c.Latest > latest {
			last, latest = j, c.Latest
		}
	}
	return last
}

// followed reports whether another action has begun after a job that is over.
func (t *Table) followed(j *Job) bool {
	later := func(o *Job) bool { return o.State >= Running && o.Path != "" && o.Started > j.Started }
	return slices.ContainsFunc(t.running, later) || slices.ContainsFunc(t.over, later)
}

// Delivered notes that the answer to a request of a client without request numbers has left:
// nothing is owed to the client any more, also not by the next process, unless it has asked again
// since. An earlier job with the same content is not owed either.
func (t *Table) Delivered(r Request) {
	for j := range t.known(new(history)) {
		c := j.Callers.find(r.Session, r.Key)
		if c == nil || !c.owed() || r.At <= c.Delivered {
			continue
		}
		c.Delivered = r.At
		if c.kept != nil {
			c.kept.Delivered = c.Delivered // from now on the file may say so
		}
		if j.Path != "" {
			t.Keep(j, *c, func(error) {})
		}
	}
}
