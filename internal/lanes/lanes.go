// Package lanes does what the answer of an IPMI command needs first: it has the intent of the
// answer carried out, asks the provider, works without the lock, or waits until the state is
// saved. Then it answers, by the function that the front gave it. All fronts that speak IPMI
// use it, so that a command means the same for each of them.
//
// The package knows neither datagrams nor connections. Its functions are called with the lock
// of the BMC held. Start reading at [Respond].
package lanes

import (
	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A Request is a request that waits for its answer.
type Request struct {
	jobs.Request
	Asker machine.Asker
	// Answer answers the request. It is called with the command of the request; nil: there
	// is no such command.
	Answer func(*ipmi.Command, ipmi.Answer)
	// Drop is called instead of Answer if too many requests wait.
	Drop func(error)
}

// Immediate reports whether an answer can leave at once.
func Immediate(c *ipmi.Command, a ipmi.Answer) bool {
	once := c != nil && c.Lane == ipmi.Once && a.Code == ipmi.OK
	return !once && !a.Stored && a.Intent == nil && a.Question == nil && a.Sensors == nil && a.Later == nil
}

// Respond answers a request: at once, when there is an answer, or when the answer is true.
func Respond(b *bmc.BMC, r Request, c *ipmi.Command, a ipmi.Answer) {
	switch {
	case Immediate(c, a):
		r.Answer(c, a)
	case a.Intent != nil:
		b.Jobs.Submit(*a.Intent, r.Asker, Call(r, c, ipmi.Answer{}))
	case a.Question != nil:
		b.Jobs.Question(a.Question.Verb, a.Question.Args, r.Asker, jobs.Call[machine.Reading]{
			Request: r.Request,
			Answer:  func(said machine.Reading) { Respond(b, r, c, a.Question.Then(said, b.Now())) },
		})
	case a.Sensors != nil:
		err := b.Provided(func(bmc.Has, error) { Respond(b, r, c, a.Sensors()) })
		if err != nil {
			r.Drop(err)
		}
	case a.Later != nil:
		err := b.Later(func() func() {
			then := a.Later()
			return func() { Respond(b, r, c, then()) }
		})
		if err != nil {
			r.Drop(err)
		}
	case c.Lane == ipmi.Once:
		b.Change(Call(r, c, a), c.ByRqSeq(), a.Data)
	default:
		b.Stored(func(err error) {
			if err != nil {
				a = ipmi.Respond(machine.Failed)
			}
			r.Answer(c, a)
		})
	}
}

// Call has a request wait for an outcome. Done is what it is answered if all goes well.
func Call(r Request, c *ipmi.Command, done ipmi.Answer) jobs.Call[machine.Outcome] {
	var job *jobs.Job
	return jobs.Call[machine.Outcome]{
		Request: r.Request,
		Joined:  func(j *jobs.Job) { job = j },
		Answer: func(o machine.Outcome) {
			a := ipmi.Respond(o)
			switch {
			case o == machine.Done && job != nil && job.Intent.Verb.IsCommand():
				a = ipmi.Responded(job.Data)
			case o == machine.Done:
				a = done
			}
			r.Answer(c, a)
		},
	}
}

// Probing reports whether a refusal is routine and need not be logged: clients probe for
// extensions, channels and parameters.
func Probing(c *ipmi.Command, code ipmi.Code) bool {
	return c == nil || c.Lane == ipmi.Inline && c.Privilege < rmcp.Administrator && code != ipmi.InsufficientPrivilege
}
