package redfish

import (
	"net/http"
	"net/netip"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Request is an HTTP request as the handlers see it.
type Request struct {
	Method string
	Path   string // as the client sent it, without the query
	// Query holds the names of the query parameters.
	Query  []string
	Header RequestHeader
	Body   []byte
	User   *User // nil: the request has no credentials
	Peer   netip.AddrPort
	// Local is the address to which the request was sent; not valid if that is not known.
	Local netip.AddrPort
	Now   machine.Moment

	id     []string // what the path has in place of each {id} of the route
	routes []Route  // all that there are
}

// Reads reports whether the request changes nothing.
func (r *Request) Reads() bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// A RequestHeader is what the handlers need of the header of a request; empty if absent.
type RequestHeader struct {
	ODataVersion string
	ContentType  string
	IfMatch      string
}

// A User is a user of the BMC who has logged in.
type User struct {
	ID        byte
	Name      string
	Privilege instance.Privilege
	Session   string // Id of the Redfish session; empty with Basic authentication
}

// An Answer is a response, or what must be done before there is one.
type Answer struct {
	Status int
	Header AnswerHeader
	// Body is written as JSON, or as it is if it is a [Text]. nil: the response has no body.
	Body any

	// Stored is set if the answer must wait until the state of the machine has been saved.
	// If the state cannot be saved, [Respond] to machine.Failed is the answer.
	Stored bool
	// Intent is an action that must run. [Answer.Otherwise] is the answer if its outcome is not
	// Done.
	Intent *machine.Intent
	// Then, unless it is nil, is the answer once the state has been saved or the action is done.
	// Otherwise Status, Header and Body are.
	Then func() Answer
	// Question must be asked, and completes the answer.
	Question *Question
	// Provider completes the answer with which scripts the provider has. The error says that
	// the provider cannot be read.
	Provider func(has func(provider.Verb) bool, err error) Answer
	// Later does work that may take long: it takes a lock file or asks the kernel. It runs
	// without any lock, and uses neither the Service nor the Machine. It returns the function
	// that completes the answer, which may use both.
	Later func() func() Answer
	// EndsIPMI lists the IPMI sessions that end once the answer has left, and Ends the
	// Redfish sessions.
	EndsIPMI []uint32
	Ends     []string
	// Restart is set if all sessions and the process must end once the answer has left.
	Restart bool
}

// An AnswerHeader is what the header of a response says beside what all responses say. What
// is empty is left out.
type AnswerHeader struct {
	Allow      []string
	Location   string
	ETag       string
	Token      string // X-Auth-Token
	RetryAfter int    // seconds
	Schema     string // address of the schema of the body, for Link: rel=describedby
	Challenge  bool   // WWW-Authenticate: Basic
}

// A Text is a body that is not JSON.
type Text struct{ Type, Content string }

// A Question is a question to the managed system, for a script of the provider that changes
// nothing.
type Question struct {
	Verb provider.Verb
	Then func(machine.Reading, machine.Moment) Answer
}

// ask has the managed system asked.
func ask(verb provider.Verb, then func(machine.Reading, machine.Moment) Answer) Answer {
	return Answer{Question: &Question{Verb: verb, Then: then}}
}

// finally has f complete the answer that a leads to.
func (a Answer) finally(f func(Answer) Answer) Answer {
	switch {
	case a.Question != nil:
		then := a.Question.Then
		return ask(a.Question.Verb, func(r machine.Reading, now machine.Moment) Answer { return then(r, now).finally(f) })
	case a.Provider != nil:
		then := a.Provider
		return Answer{Provider: func(has func(provider.Verb) bool, err error) Answer { return then(has, err).finally(f) }}
	}
	return f(a)
}
