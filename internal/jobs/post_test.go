package jobs

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// An exchange is what package https calls so: a request and all requests that equal it, until there is an answer.
type exchange struct {
	request Request
	first   *packet
	waiting []*packet
	job     *Job
}

// latency is how long a connection takes to carry something.
func (w *world) latency() time.Duration {
	if w.chance(0.3) {
		return w.between(time.Millisecond, w.delay)
	}
	return w.between(time.Millisecond, 20*time.Millisecond)
}

// post sends a request over a new connection. The client sends it again if the connection breaks before the answer.
func (c *client) post(r *request) {
	w := c.w
	c.sequence++
	k := &packet{request: r, sequence: c.sequence}
	r.packets = append(r.packets, k)
	c.packets = append(c.packets, k)
	w.after(w.latency(), func() {
		if !k.broken {
			w.arrive(k)
		}
	})
	if w.chance(w.loss / 2) {
		w.after(w.between(0, 5*time.Second), func() { w.breaks(k, "breaks") })
	}
	w.after(c.patience, func() { w.breaks(k, "has taken too long") })
}

// breaks has both ends of a connection notice that it is broken.
func (w *world) breaks(k *packet, why string) {
	c, r := k.client, k.request
	if k.broken || r.over {
		return
	}
	k.broken = true
	w.tell("%v: the connection %s", k, why)
	if len(r.packets) == c.attempts {
		w.tell("%v: the client gives up", r)
		c.finish(r)
		return
	}
	w.after(w.between(0, c.gap), func() { c.post(r) })
}

// lost reports whether an answer left and was lost on the wire: the next request for the same is new for the BMC.
func (r *request) lost() bool {
	return slices.ContainsFunc(r.packets, func(k *packet) bool { return (k.lost || k.broken) && k.delivered != 0 })
}

// post does what package https does with a request.
func (p *process) post(k *packet) {
	k.handled = true
	p.connections = append(p.connections, k)
	r := p.requestOf(k)
	k.client.posts[k.command] = k
	if i := slices.IndexFunc(p.exchanges, func(x *exchange) bool { return x.request.Key == r.Key }); i >= 0 {
		p.tell("%v: its answer is being made", k)
		p.exchanges[i].waiting = append(p.exchanges[i].waiting, k)
		return
	}
	x := &exchange{request: r, first: k, waiting: []*packet{k}}
	p.exchanges = append(p.exchanges, x)
	switch k.what().kind {
	case inline:
		p.answer(x, machine.Done)
	case question:
		p.table.Question(provider.Status, provider.Args{}, machine.Asker{}, Call[machine.Reading]{
			Request: r, Answer: func(machine.Reading) { p.answer(x, machine.Done) },
		})
	default:
		p.act(x)
	}
}

func (p *process) act(x *exchange) {
	call := Call[machine.Outcome]{
		Request: x.request, Promise: true,
		Joined: func(j *Job) { x.job = j },
		Answer: func(o machine.Outcome) { p.outcome(x, o) },
	}
	if j := p.table.Owed(x.request.Session, x.request.Key, p.now); j != nil {
		p.tell("%v: owed", x.first)
		if j.State == Over && (p.now-j.Ended >= RepeatHold || j.Outcome.Undone()) {
			p.violate("%v is owed what it may ask for again", x.first)
		}
		p.table.Join(j, call)
		return
	}
	known := p.jobs()
	p.table.Submit(x.first.what().intent, machine.Asker{}, call)
	if !slices.Contains(known, x.job) {
		p.creators[x.job] = x.first
	}
}

// jobs are all jobs but changes.
func (p *process) jobs() (all []*Job) {
	for j := range p.table.known(&history{}) {
		all = append(all, j)
	}
	return all
}

// outcome does what must happen before an answer: the state keeps a task for an action that goes on, and the answer to
// some requests is read after the action.
func (p *process) outcome(x *exchange, o machine.Outcome) {
	p.checkPrompt(x)
	switch {
	case o == machine.Accepted:
		p.save(func(bool) { p.answer(x, o) })
	case o == machine.Done && p.chance(0.2):
		p.later(p.between(0, 3*time.Second), func() { p.answer(x, o) })
	default:
		p.answer(x, o)
	}
}

// answer answers an exchange.
func (p *process) answer(x *exchange, o machine.Outcome) {
	p.exchanges = slices.DeleteFunc(p.exchanges, func(e *exchange) bool { return e == x })
	p.answered = p.now
	for _, k := range x.waiting {
		p.after(50*time.Microsecond, func() {
			if !p.dies() && p.leaves(k, o, x.job) {
				p.after(50*time.Microsecond, func() { p.sent(k, x) })
			}
		})
	}
}

// leaves sends an answer, and reports whether it has left: the process does not know what happens on the wire.
func (p *process) leaves(k *packet, o machine.Outcome, j *Job) bool {
	p.connections = slices.DeleteFunc(p.connections, func(c *packet) bool { return c == k })
	if k.broken {
		p.tell("%v: its client has gone", k)
		return false
	}
	p.tell("%v is answered: %s", k, o)
	if k.what().kind == action {
		p.checkAction(k, o, j)
	}
	w := p.world
	if k.lost = w.chance(w.loss / 5); k.lost {
		w.tell("the answer to %v: lost", k)
		return true
	}
	w.after(w.latency(), func() {
		if k.lost = k.broken; !k.lost {
			k.client.answer(k, o)
		}
	})
	return true
}

// sent notes that an answer has left. A process that is about to end does not.
func (p *process) sent(k *packet, x *exchange) {
	if p.dies() || p.ended {
		return
	}
	p.answered = p.now
	if x.job != nil {
		k.delivered = p.number
		p.delivering = k
		p.table.Delivered(x.request)
		p.delivering = nil
	}
	p.settle()
}

// leave tells the clients of actions that go on without the process so. The connections of the others break.
func (p *process) leave() {
	for _, x := range p.exchanges {
		if j := x.job; j != nil && (j.Promised || j.State == Running && j.Accept) {
			for _, k := range x.waiting {
				p.leaving = true
				p.leaves(k, machine.Accepted, j)
				p.leaving = false
			}
		}
	}
	p.exchanges = nil
}

// hangUp breaks the connections of a process that has ended.
func (p *process) hangUp() {
	w := p.world
	for _, k := range p.connections {
		w.after(w.latency(), func() { w.breaks(k, "is reset") })
	}
	p.connections = nil
}

// promise implements [Table.Promise].
func (p *process) promise(j *Job) {
	f := p.fileOf(j)
	f.promised = true
	p.promises[j] = f
	fails := p.failsToWrite()
	p.write(func() {
		if !fails {
			f.run.promised = true
			p.create(f)
			p.tell("run %d is promised: %s", f.run.number, f.intent.Verb)
		}
	}, func() {
		if fails {
			p.table.Promised(j, "", errDisk, p.now)
			return
		}
		p.files[j] = f
		p.table.Promised(j, f.path(), nil, p.now)
	}, nil)
}

// withdraw implements [Table.Withdraw].
func (p *process) withdraw(j *Job) {
	f, outcome, ended := p.files[j], j.Outcome, p.now
	fails := p.failsToWrite()
	p.write(func() {
		f.run.withdrawn = true
		if fails {
			p.disk.remove(f)
			return
		}
		f.outcome, f.ended = outcome, ended
		p.tell("run %d is withdrawn: %s", f.run.number, outcome)
	}, func() { p.table.Withdrawn(j, p.now) }, nil)
}

// resume has the turn of a job come that was promised.
func (p *process) resume(j *Job) {
	f := p.files[j]
	if p.failsToWrite() {
		p.table.End(j, machine.Failed, p.now)
		return
	}
	p.table.Begin(j, f.path(), true, p.now)
	fails := p.failsToWrite()
	begin := func() {
		if !fails {
			p.work(time.Millisecond, func() { p.startScript(j, f) }, func() { p.await(j, f.run) }, nil)
		}
	}
	p.write(func() {
		if fails {
			f.run.withdrawn = true
			p.disk.remove(f)
			return
		}
		f.promised, f.began = false, p.now
		p.tell("run %d: its turn has come", f.run.number)
	}, func() {
		begin()
		if fails {
			p.end(f.run, machine.Failed)
			p.scriptEnded(j, f.run)
		}
	}, begin)
}
