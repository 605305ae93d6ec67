package https

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/redfish"
)

// via is what an action file says of a client of this front.
const via = "redfish"

// An exchange is a request and all requests that equal it, until there is an answer.
type exchange struct {
	request jobs.Request // its Key is that of equal requests
	asker   machine.Asker
	route   *redfish.Route
	asked   *redfish.Request
	joins   bool // equal requests join
	waiting []chan reply
	over    chan struct{} // closed when there is an answer, or will be none
	job     *jobs.Job     // nil: the request needs none
}

// leave removes a client that has stopped waiting.
func (x *exchange) leave(waiting chan reply) {
	x.waiting = slices.DeleteFunc(x.waiting, func(w chan reply) bool { return w == waiting })
}

// A reply is the answer to a request.
type reply struct {
	redfish.Answer
	*exchange
}

// exchange begins a request, or joins one that equals it.
func (s *Server) exchange(r *redfish.Request, waiting chan reply) *exchange {
	key := keyOf(r)
	if i := slices.IndexFunc(s.exchanges, func(x *exchange) bool { return x.joins && x.request.Key == key }); i >= 0 {
		x := s.exchanges[i]
		x.waiting = append(x.waiting, waiting)
		return x
	}
	s.numbers++
	x := &exchange{
		request: jobs.Request{Session: s.numbers, Key: key, At: s.BMC.Uptime()},
		asked:   r,
		waiting: []chan reply{waiting},
		over:    make(chan struct{}),
	}
	if r.User != nil {
		x.asker = machine.Asker{User: r.User.Name, Via: via, Peer: r.Peer}
	}
	if r.User != nil && !r.Reads() {
		x.request.Session, x.joins = uint32(key)|1, true
	}
	s.exchanges = append(s.exchanges, x)
	var a redfish.Answer
	x.route, a = s.Service.Handle(r)
	s.carryOut(x, a)
	return x
}

// keyOf is a hash of who asks for what: equal requests have the same key, also in another
// process, and no user can make a request that has the key of another one.
func keyOf(r *redfish.Request) uint64 {
	user := ""
	if r.User != nil {
		user = r.User.Name
	}
	h := sha256.New()
	for _, part := range []string{user, r.Method, r.Path, r.Header.IfMatch, r.Header.ContentType, string(r.Body)} {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// carryOut does what an answer needs before it can leave: an action, a query, or work that may take long.
func (s *Server) carryOut(x *exchange, a redfish.Answer) {
	if len(a.EndsIPMI) > 0 { // whether the answer leaves or not
		s.EndIPMI(a.EndsIPMI, x.asker.User)
	}
	var err error
	switch {
	case a.Provider != nil:
		err = s.BMC.Provided(func(has bmc.Has, err error) { s.carryOut(x, a.Provider(has, err)) })
	case a.Question != nil:
		s.BMC.Jobs.Question(a.Question.Verb, provider.Args{}, x.asker, jobs.Call[machine.Reading]{
			Request: x.request,
			Answer:  func(said machine.Reading) { s.carryOut(x, a.Question.Then(said, s.BMC.Now())) },
		})
	case a.Later != nil:
		err = s.BMC.Later(func() func() {
			then := a.Later()
			return func() { s.carryOut(x, then()) }
		})
	case a.Intent != nil:
		s.act(x, a)
	case a.Stored:
		s.BMC.Stored(func(err error) {
			if err != nil {
				s.answer(x, redfish.Respond(machine.Failed))
				return
			}
			s.done(x, a)
		})
	default:
		s.answer(x, a)
	}
	if err != nil {
		s.Log.Warn("request refused", "user", x.asker.User, "peer", x.asker.Peer, "err", err)
		s.answer(x, redfish.Respond(machine.Busy))
	}
}

// act has the intent of an answer carried out, unless the client is owed the outcome of its
// last request for the same.
func (s *Server) act(x *exchange, a redfish.Answer) {
	end := func(o machine.Outcome) {
		switch o {
		case machine.Done:
			s.done(x, a)
		case machine.Accepted:
			s.accepted(x)
		default:
			s.answer(x, a.Otherwise(o))
		}
	}
	call := jobs.Call[machine.Outcome]{
		Request: x.request, Promise: true, Answer: end, Joined: func(j *jobs.Job) { x.job = j },
	}
	if j := s.BMC.Jobs.Owed(x.request.Session, x.request.Key, s.BMC.Uptime()); j != nil {
		if j.State == jobs.Over {
			s.Log.Info("not repeated: it has just been done", "user", x.asker.User, "peer", x.asker.Peer)
		}
		s.BMC.Jobs.Join(j, call)
		return
	}
	s.BMC.Jobs.Submit(*a.Intent, x.asker, call)
}

// done answers a request whose action is done, or whose change is saved.
func (s *Server) done(x *exchange, a redfish.Answer) {
	if a.Then != nil {
		s.carryOut(x, a.Then())
		return
	}
	s.answer(x, a)
}

// accepted answers a request whose action goes on, once the state has a task for it.
func (s *Server) accepted(x *exchange) {
	task := s.tasks.add(x)
	s.BMC.Stored(func(err error) {
		if err != nil {
			s.Log.Error("task not kept", "err", err)
		}
		s.answer(x, redfish.Accepted(task))
	})
}

// answer answers a request and all that joined it.
func (s *Server) answer(x *exchange, a redfish.Answer) {
	s.exchanges = slices.DeleteFunc(s.exchanges, func(o *exchange) bool { return o == x })
	for _, w := range x.waiting {
		w <- reply{a, x}
	}
	x.waiting = nil
	close(x.over)
}

// Leave implements [bmc.Companion]. A client whose action goes on without this process gets that
// answer. The connections of all other clients break, so that they repeat their requests.
func (s *Server) Leave() {
	for _, x := range slices.Clone(s.exchanges) {
		j := x.job
		goesOn := j != nil && (j.Promised && j.State == jobs.Queued || j.Runs(s.BMC.Uptime()))
		if goesOn && len(x.waiting) > 0 {
			s.answer(x, redfish.Accepted(s.tasks.add(x)))
			s.BMC.Jobs.Delivered(x.request)
			continue
		}
		for _, w := range x.waiting {
			close(w)
		}
		x.waiting = nil
		close(x.over)
	}
}

// JobOver implements [bmc.Companion].
func (s *Server) JobOver(j *jobs.Job) { s.tasks.over(j) }

// Sessions implements [bmc.Companion].
func (s *Server) Sessions() int { return s.tokens.count() }
