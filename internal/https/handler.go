package https

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/redfish"
)

// ServeHTTP implements [http.Handler]. A request that cannot be answered any more has its
// connection closed: the client repeats the request, and the next process answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer crash()
	asked, refused := httpserver.Read(w, r)
	waiting := make(chan reply, 1)
	var x *exchange
	entered := s.BMC.Enter(func() {
		httpserver.Serving(r)
		asked.Now = s.BMC.Now()
		if refused == nil {
			refused = s.authenticate(r, asked)
		}
		if refused == nil {
			x = s.exchange(asked, waiting)
		}
	})
	if !entered {
		panic(http.ErrAbortHandler)
	}
	answer := reply{exchange: new(exchange)}
	if refused != nil {
		answer.Answer = *refused
	} else {
		answer = s.wait(r, x, waiting)
	}
	var now time.Time
	s.BMC.Enter(func() {
		httpserver.Answering(r, s.BMC.Uptime())
		now = s.BMC.Now().Clock
	})
	if !now.IsZero() { // a process that ends has a time limit of its own
		_ = http.NewResponseController(w).SetWriteDeadline(now.Add(sendTime))
	}
	if s.send(w, r, asked, answer) != nil {
		panic(http.ErrAbortHandler)
	}
	s.BMC.Enter(func() { s.sent(answer) })
}

// sendTime is how long a client may take to read an answer. A script may take longer than package
// httpserver gives a request, so the time begins when there is an answer.
const sendTime = 10 * time.Second

// wait waits for the answer to a request. If the client goes, or closes only its half of the
// connection, the connection is closed: package http would answer with an empty success. The
// connection still counts until its request is over, so clients that go at once do not leave more
// requests behind than there may be connections.
func (s *Server) wait(r *http.Request, x *exchange, waiting chan reply) reply {
	select {
	case answer, there := <-waiting:
		if there {
			return answer
		}
	case <-r.Context().Done():
		httpserver.Close(r)
		s.BMC.Enter(func() { x.leave(waiting) })
		<-x.over
	}
	panic(http.ErrAbortHandler)
}

// crash ends the process if a handler has panicked. Package http would serve on, with a BMC that
// may be in a wrong state.
func crash() {
	switch fault := recover(); fault {
	case nil:
	case http.ErrAbortHandler:
		panic(fault)
	default:
		trace := debug.Stack()
		go panic(fmt.Sprintf("%v\n%s", fault, trace))
		select {}
	}
}

// send writes a response.
func (s *Server) send(w http.ResponseWriter, r *http.Request, asked *redfish.Request, a reply) error {
	if err := r.Context().Err(); err != nil {
		return err // the client has gone
	}
	httpserver.LogRefusal(s.Log, asked, a.Answer)
	return httpserver.Write(w, r, a.route.Header(asked, a.Answer), a.Answer)
}

// sent is called once an answer has left. Then the outcome of the job is delivered, and the sessions and the process end
// that the answer ends.
func (s *Server) sent(a reply) {
	s.BMC.Answered()
	if a.job != nil {
		s.BMC.Jobs.Delivered(a.request)
	}
	for _, id := range a.Ends {
		s.tokens.End(id)
	}
	if a.Restart {
		s.EndAllIPMI(a.asker.User)
		s.Restart()
	}
}

// start is the start of a text from the network, of n bytes at most.
func start(text string, n int) string { return text[:min(len(text), n)] }
