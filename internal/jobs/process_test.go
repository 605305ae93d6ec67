package jobs

import (
	"slices"
	"strconv"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// Settings of the BMC, and limits of the simulation.
const (
	birth       = 1000 * time.Second // of the world, in time since the host's boot
	answerAfter = 2 * time.Second
	idle        = 10 * time.Second
	maxKills    = 4
)

// A process is a BMC process in miniature: what packages bmc and lan do around a table of jobs. It may die before and
// after each of its steps.
type process struct {
	*world
	table  Table
	number int
	ready  bool
	dead   bool
	ended  bool // it is about to exit in an orderly way
	busy   int  // writes to the disk that go on

	answered time.Duration
	wake     time.Duration
	creators map[*Job]*packet
	files    map[*Job]*file
	promises map[*Job]*file // that were written or are being written
	aborted  map[*Job]bool
	pending  []*packet // that wait for an answer

	exchanges   []*exchange
	connections []*packet // whose requests came and whose answers have not left
	delivering  *packet   // whose answer is noted to have left
	leaving     bool      // the process answers because it is about to end
	over        map[*Job]bool

	state   state
	saved   state
	writing bool
	stored  []func(bool) // wait for the next write of the state
}

// start has systemd start a process.
func (w *world) start() {
	w.generation++
	p := &process{
		world: w, number: w.generation,
		creators: make(map[*Job]*packet), files: make(map[*Job]*file), aborted: make(map[*Job]bool),
		over: make(map[*Job]bool), promises: make(map[*Job]*file),
	}
	w.process = p
	p.table = Table{
		AnswerAfter: answerAfter,
		Start:       p.startJob, Keep: p.keep, Abort: p.abort, Forget: p.forget, Ask: p.ask,
		Promise: p.promise, Withdraw: p.withdraw, Over: p.jobOver,
	}
	w.after(w.between(time.Millisecond, 50*time.Millisecond), func() {
		if p.dies() {
			return
		}
		p.begin()
	})
}

// begin takes over what earlier processes left, and serves what has come since.
func (p *process) begin() {
	p.tell("process %d begins", p.number)
	p.ready, p.answered = true, p.now
	p.state, p.saved = p.disk.state, p.disk.state
	for _, c := range p.state.changes {
		if p.now-c.At < RepeatHold {
			p.table.RecallChange(c)
		}
	}
	files := slices.Clone(p.disk.actions)
	slices.SortStableFunc(files, order)
	for _, f := range files {
		j := &Job{Intent: f.intent, Own: len(f.callers) == 0, Asked: p.now, Started: f.began, Path: f.path(), Callers: slices.Clone(f.callers)}
		p.files[j], p.creators[j] = f, f.creator
		if f.outcome != "" {
			j.Outcome, j.Ended = f.outcome, f.ended
			p.table.Recall(j)
			p.jobOver(j)
			continue
		}
		if f.promised {
			p.tell("run %d is put into the queue again", f.run.number)
			p.table.Requeue(j, p.now)
			continue
		}
		p.tell("run %d is adopted", f.run.number)
		f.run.adopted = true
		j.Accept, j.Accepted = f.intent.Verb != provider.BootSet, !j.Own
		p.table.Adopt(j)
		if !f.run.script && !f.run.over {
			p.end(f.run, machine.Failed) // it was lost
		}
		p.await(j, f.run)
	}
	waiting := p.socket
	p.socket = nil
	for _, k := range waiting {
		p.arrive(k)
	}
	if !p.dead {
		p.settle()
	}
}

func (f *file) path() string { return "action." + strconv.Itoa(f.run.number) }

// dies reports whether the process is dead, and may kill it.
func (p *process) dies() bool {
	if !p.dead && p.kills < maxKills && p.chance(p.deadly) {
		p.kills++
		p.tell("process %d is killed", p.number)
		p.exit()
	}
	return p.dead
}

func (p *process) exit() {
	p.dead = true
	p.process = nil
	p.hangUp()
	if len(p.socket) > 0 || p.kills%2 == 1 {
		p.world.start()
	}
}

// stop ends the process in an orderly way, once everything is on the disk.
func (p *process) stop() {
	if !p.ended {
		p.ended = true
		p.leave()
	}
	if p.busy > 0 {
		return
	}
	for j, c := range p.table.MovedOn() {
		p.files[j].callers.Put(line(c))
	}
	p.state.changes = p.table.Changes(p.now)
	if p.failsToWrite() {
		p.kills++ // the next process does not know more than after a kill
	} else {
		p.disk.state = p.state
	}
	p.tell("process %d exits", p.number)
	p.exit()
}

// later has something done with the lock, unless the process is about to end.
func (p *process) later(d time.Duration, then func()) {
	p.after(d, func() {
		if !p.dies() && !p.ended {
			then()
			p.settle()
		}
	})
}

// work has something done without the lock, and then something with it. If the process is about to end, otherwise is
// done.
func (p *process) work(took time.Duration, do, then, otherwise func()) {
	p.busy++
	p.after(took, func() {
		if p.dies() {
			return
		}
		do()
		p.after(100*time.Microsecond, func() {
			if p.dies() {
				return
			}
			p.busy--
			switch {
			case !p.ended:
				then()
				p.settle()
			case otherwise != nil:
				otherwise()
				fallthrough
			default:
				p.stop()
			}
		})
	})
}

// write is work on the disk.
func (p *process) write(do, then, otherwise func()) {
	took := 2 * time.Millisecond
	if p.slowDisk && p.chance(0.5) {
		took = p.between(0, 3*time.Second)
	}
	p.work(took, do, then, otherwise)
}

func (p *process) failsToWrite() bool { return p.badDisk && p.chance(0.2) }

// settle does what is due, and exits if nothing ever will be.
func (p *process) settle() {
	if p.dead || p.ended {
		return
	}
	p.table.Expire(p.now)
	p.flush()
	due := p.table.Due(forever)
	if !p.table.Busy() && !p.writing {
		until := max(p.answered+idle, p.table.RepeatableUntil())
		if len(p.exchanges) > 0 {
			until = p.now + time.Second
		}
		if p.now >= until && p.busy == 0 {
			if len(p.pending) > 0 || p.table.Acting() {
				p.violate("the process exits, and %v waits for an answer", p.pending)
			}
			p.stop()
			return
		}
		due = min(due, until)
	}
	if due == forever || p.wake > p.now && p.wake <= due {
		return
	}
	due = max(due, p.now+time.Millisecond)
	p.wake = due
	p.after(due-p.now, func() {
		if p.wake == p.now && !p.dies() {
			p.settle()
		}
	})
}

const forever = time.Duration(1<<63 - 1)

// arrive brings a packet to the socket.
func (w *world) arrive(k *packet) {
	if w.process == nil {
		w.start()
	}
	p := w.process
	if !p.ready || p.ended {
		w.socket = append(w.socket, k)
		return
	}
	if p.dies() {
		return
	}
	p.receive(k)
	if !p.dead {
		p.settle()
	}
}

// receive does what package lan does with a packet.
func (p *process) receive(k *packet) {
	if k.client.habit == equalPOST {
		if !k.broken {
			p.tell("%v arrives", k)
			p.post(k)
		}
		return
	}
	if !k.client.received.accept(k.sequence) {
		p.tell("%v arrives again", k)
		p.duplicate(k)
		return
	}
	p.tell("%v arrives", k)
	if p.dies() {
		return
	}
	if k.cameTo != p.number {
		k.cameTo, k.cameLast = p.number, 0
		k.came = append(k.came, arrival{k.sequence, p.now})
	}
	k.handled = true
	k.cameLast = max(k.cameLast, k.sequence)
	if j := p.table.Receive(p.requestOf(k)); j != nil {
		p.tell("%v: again what ran or runs", k)
		p.pend(k)
		p.table.Join(j, p.call(k, j))
		return
	}
	p.handle(k)
}

func (p *process) duplicate(k *packet) {
	if a := &k.reply; a.process == p && p.now-a.at < 10*time.Second && a.again < 4 {
		a.again++
		p.respond(k, a.outcome)
		return
	}
	if j := p.table.Unanswered(k.client.session, k.sequence); j != nil {
		p.pend(k)
		p.table.Wait(j, p.call(k, j))
	}
}

func (p *process) requestOf(k *packet) Request {
	if k.client.habit == equalPOST {
		content := firstPost*k.client.session + uint32(k.command)
		return Request{Session: content, Key: uint64(content), At: p.now}
	}
	return Request{Session: k.client.session, Sequence: k.sequence, RqSeq: k.rqSeq, Key: k.key(), At: p.now}
}

// firstPost is more than the number of any session of IPMI.
const firstPost = 1000

// packetOf is the packet that a caller sent last.
func (w *world) packetOf(c Caller) *packet {
	if c.Session >= firstPost {
		return w.clients[c.Session/firstPost-1].posts[int(c.Session%firstPost)]
	}
	return w.clients[c.Session-1].packets[c.Sequence-1]
}

// handle has a new request carried out.
func (p *process) handle(k *packet) {
	what, r := k.what(), p.requestOf(k)
	p.pend(k)
	switch what.kind {
	case inline:
		p.reply(k, machine.Done, nil)
		if k.command == closeSession {
			p.table.Leave(r.Session)
			p.pending = slices.DeleteFunc(p.pending, func(o *packet) bool { return o.client == k.client })
		}
	case question:
		p.table.Question(provider.Status, provider.Args{}, machine.Asker{}, Call[machine.Reading]{
			Request: r, Answer: func(machine.Reading) { p.reply(k, machine.Done, nil) },
		})
	case action:
		p.submit(k)
	case change:
		p.change(k)
	}
}

// submit has an action carried out, and notes for which packet there is a job.
func (p *process) submit(k *packet) {
	var job *Job
	p.table.Submit(k.what().intent, machine.Asker{}, Call[machine.Outcome]{
		Request: p.requestOf(k),
		Answer: func(o machine.Outcome) {
			if job == nil {
				job = p.jobOf(k)
			}
			p.reply(k, o, job)
		},
	})
	if job == nil {
		job = p.jobOf(k)
	}
	if p.creators[job] == nil && !job.Own && job.State < Running && p.packetOf(job.Callers[0]) == k {
		p.creators[job] = k
	}
}

// pend notes that a packet waits for an answer. A later packet of the same number takes its place.
func (p *process) pend(k *packet) {
	p.pending = slices.DeleteFunc(p.pending, func(o *packet) bool { return o.client == k.client && o.rqSeq == k.rqSeq })
	p.pending = append(p.pending, k)
}

// call has a packet wait for a job.
func (p *process) call(k *packet, j *Job) Call[machine.Outcome] {
	return Call[machine.Outcome]{Request: p.requestOf(k), Answer: func(o machine.Outcome) { p.reply(k, o, j) }}
}

// jobOf finds the job that a packet has just been submitted for.
func (p *process) jobOf(k *packet) *Job {
	r := p.requestOf(k)
	for j := range p.table.known(&history{}) {
		if c := j.Callers.find(r.Session, r.Key); c != nil && c.RqSeqs&(1<<r.RqSeq) != 0 && c.Sequence >= r.Sequence {
			return j
		}
	}
	return nil
}

// reply answers a packet. Before the answer leaves, it is compared with what has happened.
func (p *process) reply(k *packet, o machine.Outcome, j *Job) {
	p.pending = slices.DeleteFunc(p.pending, func(e *packet) bool { return e == k })
	p.tell("%v is answered: %s", k, o)
	switch k.what().kind {
	case action:
		p.checkAction(k, o, j)
	case change:
		p.checkChange(k, o)
	}
	p.answered = p.now
	k.reply = answer{p, o, p.now, 0}
	p.respond(k, o)
}

func (p *process) respond(k *packet, o machine.Outcome) {
	p.transmit(func() string { return "the answer to " + k.String() }, func() { k.client.answer(k, o) })
}

// startJob carries a job out: it loads the provider, writes the action file and starts the script.
func (p *process) startJob(j *Job) {
	took := time.Millisecond
	if p.slowDisk {
		took = p.between(0, answerAfter)
	}
	p.later(took, func() {
		switch {
		case j.Abandoned():
			p.table.End(j, machine.Busy, p.now)
		case p.aborted[j]:
			p.table.End(j, machine.Superseded, p.now)
		case p.chance(0.03):
			p.table.End(j, machine.Unavailable, p.now)
		case j.Promised:
			p.resume(j)
		default:
			p.createFile(j)
		}
	})
}

// fileOf is the file that a job will have.
func (p *process) fileOf(j *Job) *file {
	p.runs++
	f := &file{run: &run{number: p.runs}, intent: j.Intent, creator: p.creators[j], began: p.now}
	for _, c := range j.Callers {
		f.callers = append(f.callers, line(c))
	}
	return f
}

// create has a file appear on the disk.
func (p *process) create(f *file) {
	p.disk.actions = append(p.disk.actions, f)
	for _, c := range f.callers {
		p.packetOf(c).tie(f.run)
	}
}

func (p *process) createFile(j *Job) {
	f := p.fileOf(j)
	fails := p.failsToWrite()
	p.write(func() {
		if fails {
			return
		}
		p.create(f)
		p.tell("run %d has its file: %s", f.run.number, f.intent.Verb)
	}, func() {
		if fails {
			p.table.End(j, machine.Failed, p.now)
			return
		}
		p.files[j] = f
		p.table.Begin(j, f.path(), true, p.now)
		p.work(time.Millisecond, func() { p.startScript(j, f) }, func() { p.await(j, f.run) }, nil)
	}, func() {
		if !fails {
			f.run.forgotten = true
			p.disk.remove(f)
		}
	})
}

var results = []machine.Outcome{
	machine.Done, machine.Done, machine.Done, machine.Done, machine.Done, machine.Done,
	machine.Failed, machine.TimedOut, machine.WrongState, machine.Busy, machine.Unsupported,
}

// startScript starts the script of a run. It goes on when the process dies.
func (p *process) startScript(j *Job, f *file) {
	p.tell("run %d: its script begins", f.run.number)
	p.checkBegin(f)
	f.run.script = true
	p.scripts = append(p.scripts, f.run)
	result := results[p.IntN(len(results))]
	took := p.between(0, 100*time.Millisecond)
	if p.chance(0.5) {
		took = p.between(0, 8*time.Second)
	}
	if p.chance(0.1) || j.Intent.Verb == provider.Shutdown {
		took = p.between(0, time.Minute)
	}
	if p.aborted[j] {
		result, took = machine.Superseded, 0
	}
	w := p.world
	w.after(took, func() { w.end(f.run, result) })
}

// await does what follows from the end of a script.
func (p *process) await(j *Job, r *run) {
	r.waiting = func() {
		r.waiting = nil
		p.later(time.Millisecond, func() { p.scriptEnded(j, r) })
	}
	if r.over {
		r.waiting()
	}
}

func (p *process) scriptEnded(j *Job, r *run) {
	ended := p.now
	p.table.ScriptEnded(j)
	if r.outcome.Undone() && !j.Accepted {
		p.table.End(j, r.outcome, p.now)
		return
	}
	p.save(func(bool) {
		p.write(func() {
			f := p.files[j]
			switch {
			case !p.failsToWrite():
				f.outcome, f.ended = r.outcome, ended
			case r.outcome.Undone():
				p.disk.remove(f)
			}
		}, func() { p.table.End(j, r.outcome, p.now) }, nil)
	})
}

// jobOver implements [Table.Over].
func (p *process) jobOver(j *Job) {
	if p.over[j] {
		p.violate("a job is over twice: %s", j.Intent.Verb)
	}
	p.over[j] = true
	if f := p.files[j]; f != nil && j.Accepted {
		p.state.ends = append(slices.Clip(p.state.ends), f.run)
		p.save(func(bool) {})
	}
}

// keep implements [Table.Keep].
func (p *process) keep(j *Job, c Caller, done func(error)) {
	f := p.files[j]
	k, delivering := p.packetOf(c), p.delivering
	if delivering != nil {
		delivering.unnoted++
	}
	var err error
	p.write(func() {
		if p.failsToWrite() || !slices.Contains(p.disk.actions, f) {
			err = errDisk
			return
		}
		f.callers.Put(line(c))
		if delivering != nil {
			delivering.unnoted--
			p.tell("run %d: %v was answered", f.run.number, delivering)
			return
		}
		k.tie(f.run)
		p.tell("run %d: %v is kept", f.run.number, k)
	}, func() {
		if err != nil {
			p.tell("run %d: %v cannot be kept", f.run.number, k)
			k.unkept = true
			p.pending = slices.DeleteFunc(p.pending, func(o *packet) bool { return o.client == k.client })
		}
		done(err)
	}, nil)
}

// abort implements [Table.Abort].
func (p *process) abort(j *Job) {
	p.aborted[j] = true
	if f := p.files[j]; f != nil && f.run.script {
		w := p.world
		w.after(time.Millisecond, func() { w.end(f.run, machine.Superseded) })
	}
}

// forget implements [Table.Forget].
func (p *process) forget(j *Job) {
	f := p.files[j]
	remove := func(bool) { p.remove(f) }
	if p.writing || len(p.stored) > 0 {
		p.stored = append(p.stored, remove)
		return
	}
	remove(true)
}

func (p *process) remove(f *file) {
	p.write(func() {
		if f.run.told && !p.badDisk && !slices.Contains(p.disk.state.ends, f.run) {
			p.violate("how run %d ended is forgotten, though a client was told that it is accepted", f.run.number)
		}
		p.disk.remove(f)
	}, func() {}, nil)
}

// ask implements [Table.Ask].
func (p *process) ask(q *Question) {
	p.later(p.between(0, 12*time.Second), func() {
		p.table.Answered(q, machine.Reading{Has: true}, p.now)
	})
}

// change makes a change that must not be made twice.
func (p *process) change(k *packet) {
	if slices.Contains(p.state.entries, k.request) {
		p.violate("%v is made twice", k)
	}
	if k.refuser == p.number && k.sequence < k.refused {
		p.violate("%v is made, though its client was told that it was not", k)
	}
	p.state = p.state.with(k.request)
	j := p.table.Change(p.call(k, nil), k.what().byRqSeq, nil)
	p.state.changes = p.table.Changes(p.now)
	p.save(func(ok bool) {
		if ok {
			p.table.EndChange(j, machine.Done, p.now)
		} else {
			p.table.EndChange(j, machine.Failed, p.now)
		}
	})
}

// save calls then once the state is saved, or cannot be.
func (p *process) save(then func(bool)) {
	p.stored = append(p.stored, then)
	p.flush()
}

func (p *process) flush() {
	if p.writing || len(p.stored) == 0 {
		return
	}
	waiting, state := p.stored, p.state
	p.writing, p.stored = true, nil
	fails := p.failsToWrite()
	p.write(func() {
		if !fails {
			p.disk.state = state
			p.tell("the state is saved")
		}
	}, func() {
		p.writing = false
		if fails {
			p.tell("the state cannot be saved")
			p.state = p.saved
			waiting = append(waiting, p.stored...)
			p.stored = nil
		} else {
			p.saved = state
		}
		for _, then := range waiting {
			then(!fails)
		}
	}, nil)
}
