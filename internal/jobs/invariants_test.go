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
func (r *run) effective() bool {
	return !r.forgotten && !r.withdrawn && !(r.over && r.outcome.Undone())
}

// refuse notes that the client of a packet was told that nothing was done.
func (k *packet) refuse(p *process) {
	k.refused, k.refuser = k.sequence, p.number
	if k.cameTo == p.number {
		k.refused = max(k.refused, k.cameLast)
	}
}

// checkBegin: no request runs twice, one script runs at a time, and what has ended does not begin.
func (p *process) checkBegin(f *file) {
	now := f.run
	if now.script || now.withdrawn || now.reported {
		p.violate("run %d begins after its end", now.number)
	}
	for _, r := range p.scripts {
		if !r.over {
			p.violate("run %d begins while run %d goes on", now.number, r.number)
		}
	}
	k := f.creator
	if k == nil {
		return
	}
	for _, r := range k.ran {
		if r != now && r.effective() && !k.forgiven(r, now.number) {
			p.violate("%v runs twice: run %d and run %d", k, r.number, now.number)
		}
	}
	if k.refuser == p.number && k.sequence < k.refused && !k.request.lost() {
		p.violate("%v runs, though its client was told that nothing was done", k)
	}
}

// forgiven reports whether a client may cause a second run by what it cannot help: its answer was lost after it had left,
// the disk could not be told that the client had joined a run, or the client repeats its request when the run is
// forgotten.
func (k *packet) forgiven(r *run, next int) bool {
	if k.client.habit != equalPOST {
		return false
	}
	w := k.client.w
	outdated := r.over && k.what().intent.Verb.Absolute() && next > r.number+1
	return k.request.lost() || k.unkept || outdated || r.over && w.now-r.ended >= RepeatHold
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
			if r.script && r.effective() && !k.over && !k.forgiven(r, p.runs+1) { // a client that has given up takes no answer
				p.violate("%v is told %q, but run %d is for it", k, o, r.number)
			}
		}
		k.refuse(p)
	case o == machine.Accepted:
		if r == nil || !r.script && !p.leaving && !r.promised {
			p.violate("%v is accepted, but no script has begun", k)
			return
		}
		r.told = true
	case r == nil || !r.script:
		if o == machine.Done {
			p.violate("%v is told %q, but no script has begun", k, o)
		}
	case !r.over || r.outcome != o:
		p.violate("%v is told %q, but run %d has over=%v, %q", k, o, r.number, r.over, r.outcome)
	}
	if f := p.promises[j]; f != nil && o != machine.Accepted {
		f.run.reported = true
	}
	if r != nil {
		r.reported = r.reported || o != machine.Accepted
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
		return k.meant(p)
	}
	// A packet may still be on its way that asks once more for what did nothing.
	between := k.between && !slices.ContainsFunc(k.former.ran, func(r *run) bool { return r.over && r.outcome.Undone() })
	late := func(o *request) bool {
		return o.command == k.command && o.handled && o.number > k.former.number
	}
	switch {
	case k.former == nil || k.over: // a client that has given up takes no answer
		return false
	case slices.ContainsFunc(k.client.former, late): // a packet of it came after all
		return false
	case k.client.habit == oneRqSeq:
		return between && k.former.process == p.number
	case between && k.kills == p.kills:
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

// meant reports whether a POST is clearly a second one for the same: the client has an answer to each earlier one, and
// the process knows of all answers that have left.
func (k *packet) meant(p *process) bool {
	unknown := func(o *packet) bool { return o.delivered != 0 && o.delivered != p.number && o.unnoted > 0 }
	return k.former != nil && !slices.ContainsFunc(k.client.former, func(o *request) bool {
		last := o.packets[len(o.packets)-1]
		settled := o.told.Undone() || o.answered && last.delivered != 0
		return o.command == k.command && o.handled && (!settled || slices.ContainsFunc(o.packets, unknown))
	})
}

// checkPrompt: a client that may be promised something does not wait for long.
func (p *process) checkPrompt(x *exchange) {
	waited, limit := p.now-x.request.At, startPatience+slack
	if p.slowDisk {
		limit += 10 * time.Second
	}
	if x.job != nil && x.job.Accept && waited > limit {
		p.violate("%v has waited for %v", x.first, waited)
	}
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

// checkEnd: every client has an answer or has given up. If nothing went wrong on the way, it has an answer. An
// accepted action has run, or its end is known.
func (w *world) checkEnd() {
	for _, f := range w.disk.actions {
		if f.waits() {
			w.violate("run %d was accepted and does not begin", f.run.number)
		}
	}
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
