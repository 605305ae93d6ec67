package jobs

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
)

// tie notes that a run is for a request: the disk knows, or its client was told. A run that had ended when the client
// sent its request was an earlier request's, even if the client gets its outcome: see [request.second].
func (r *request) tie(to *run) {
	if !slices.Contains(r.ran, to) && (!to.over || to.ended >= r.sent) {
		r.ran = append(r.ran, to)
	}
}

// effective reports whether a run did something, may still do something, or was reported as failed.
func (r *run) effective() bool { return !r.forgotten && !(r.over && r.outcome.Undone()) }

// refuse notes that the client of a packet was told that nothing was done.
func (k *packet) refuse(p *process) {
	k.refused, k.refuser = k.sequence, p.number
	if k.cameTo == p.number {
		k.refused = max(k.refused, k.cameLast)
	}
}

// checkOnce: no request runs twice.
func (p *process) checkOnce(j *Job, now *run) {
	k := p.creators[j]
	for _, r := range k.ran {
		if r != now && r.effective() {
			p.violate("%v runs twice: run %d and run %d", k, r.number, now.number)
		}
	}
	if k.refuser == p.number && k.sequence < k.refused {
		p.violate("%v runs, though its client was told that nothing was done", k)
	}
}

// checkAction: no request is reported done that did not run, or failed that succeeded. A client that means a second
// run gets one.
func (p *process) checkAction(k *packet, o machine.Outcome, j *Job) {
	if j == nil {
		p.violate("%v is answered for no job", k)
		return
	}
	var r *run
	if f := p.files[j]; f != nil {
		r = f.run
	}
	switch {
	case o.Undone():
		for _, r := range k.ran {
			if r.script && r.effective() && !k.over { // a client that has given up takes no answer
				p.violate("%v is told %q, but run %d is for it", k, o, r.number)
			}
		}
		k.refuse(p)
	case o == machine.Accepted:
		if r == nil || !r.script {
			p.violate("%v is accepted, but no script has begun", k)
			return
		}
	case r == nil || !r.script:
		if o == machine.Done {
			p.violate("%v is told %q, but no script has begun", k, o)
		}
	case !r.over || r.outcome != o:
		p.violate("%v is told %q, but run %d has over=%v, %q", k, o, r.number, r.over, r.outcome)
	}
	if r != nil {
		k.tie(r)
	}
	ended := j.Ended
	if r != nil && r.over && !r.adopted {
		ended = r.ended + 5*time.Millisecond // until the process hears of it
	}
	if j.State == Over && ended < k.sent && !j.refused && p.clear(k) {
		p.violate("%v is meant as a second run, but gets the answer of an earlier one", k)
	}
}

// clear reports whether a request is clearly a second one for the same: the client has waited for longer than it could
// wait between two packets of the former request, or it has done something else in between. A process that was killed
// may have lost that its client had moved on, and a new process has yet to learn that a client uses one rqSeq for
// everything.
func (p *process) clear(k *packet) bool {
	if k.client.habit == equalPOST {
		return true
	}
	late := func(o *request) bool {
		return o.command == k.command && o.handled && o.number > k.former.number
	}
	switch {
	case k.former == nil || k.over: // a client that has given up takes no answer
		return false
	case slices.ContainsFunc(k.client.former, late): // a packet of it came after all
		return false
	case k.client.habit == oneRqSeq:
		return k.between && k.former.process == p.number
	case k.between && k.kills == p.kills:
		return true
	}
	for _, o := range k.client.former {
		if o.command == k.command && o != k.request && slices.ContainsFunc(k.came, func(a arrival) bool {
			apart := time.Duration(a.sequence-o.packets[0].sequence) * repeatGap
			return a.at <= o.ended+2*p.delay+slack+apart
		}) {
			return false
		}
	}
	return true
}

// checkChange is checkAction for changes, which the front makes.
func (p *process) checkChange(k *packet, o machine.Outcome) {
	made := slices.Contains(p.disk.state.entries, k.request)
	switch {
	case o == machine.Done && !made:
		if p.clear(k) || k.what().byRqSeq {
			p.violate("%v is told %q, but was not made", k, o)
		}
	case o != machine.Done && slices.Contains(p.state.entries, k.request):
		p.violate("%v is told %q, but was made", k, o)
	case o != machine.Done:
		k.refuse(p)
	}
}

// checkEnd: every client has an answer or has given up. If nothing went wrong on the way, it has an answer.
func (w *world) checkEnd() {
	for _, c := range w.clients {
		if c.left > 0 || c.current != nil && !c.current.over {
			w.violate("%s waits for ever", c.name)
		}
		for _, r := range c.former {
			prompt, limit := r.what().kind == inline || r.what().accept, answerAfter
			if r.what().intent.Verb.Starts() {
				limit = startPatience // it may wait for a boot device to be set
			}
			if w.calm && prompt && !r.answered && c.patience > limit+time.Second {
				w.violate("%v has no answer", r)
			}
		}
	}
}
