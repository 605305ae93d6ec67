package bmc

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// A query is a run of a script that changes nothing, and all who wait for it.
type query struct {
	waiters
	verb    provider.Verb
	asked   ipmi.Session // the first
	started time.Duration
	epoch   int // of the server when it started
}

// queries is the lane of queries: the one that runs, and those that wait, one for
// each verb.
type queries struct {
	running *query
	waiting []*query
}

// ask has a query run for w. It joins one that waits; one that runs may have begun
// before an action began or ended, and then does not know of it.
func (s *Server) ask(verb provider.Verb, asked ipmi.Session, w waiter) {
	if q := s.queries.running; q != nil && q.verb == verb && q.epoch == s.epoch {
		q.join(w)
		return
	}
	i := slices.IndexFunc(s.queries.waiting, func(q *query) bool { return q.verb == verb })
	if i < 0 {
		i = len(s.queries.waiting)
		s.queries.waiting = append(s.queries.waiting, &query{verb: verb, asked: asked})
	}
	s.queries.waiting[i].join(w)
	s.nextQuery()
}

func (s *Server) nextQuery() {
	if s.queries.running != nil || len(s.queries.waiting) == 0 {
		return
	}
	q := s.queries.waiting[0]
	s.queries.waiting = s.queries.waiting[1:]
	s.queries.running = q
	q.started, q.epoch = s.now, s.epoch
	run := s.Scripts.query(s.looks.runner, q.verb)
	s.work(func() func() {
		result := run(s.scripts)
		return func() { s.queryEnded(q, result) }
	})
}

func (s *Server) queryEnded(q *query, result ipmi.Result) {
	result.Time = time.Now()
	s.queries.running = nil
	s.settle(&q.waiters, func(w *waiter) ipmi.Answer { return w.then(result) })
	s.logResult(q.verb, q.asked, s.now-q.started, result) // who asked need not wait for that
	s.nextQuery()
}
