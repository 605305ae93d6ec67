package jobs

import (
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A habit is how a client repeats a request whose answer it misses.
type habit byte

const (
	keepsRqSeq        habit = iota // ipmitool
	changesRqSeq                   // FreeIPMI: it takes only the answer to its latest packet
	oneRqSeq                       // one number for everything
	identicalDatagram              // go-ipmi
	equalPOST                      // HTTP: it repeats a request when the connection breaks
)

var habits = []string{"ipmitool", "FreeIPMI", "one rqSeq", "go-ipmi", "HTTP"}

// A kind is what a request is handled by.
type kind byte

const (
	inline   kind = iota // answered at once
	question             // a script that asks
	action               // a script that does something
	change               // a change of the BMC
)

// A command is what a client asks for. Its place in the list is its content.
type command struct {
	name    string
	kind    kind
	intent  machine.Intent
	accept  bool
	byRqSeq bool
}

var commands = []command{
	{name: "get device id", kind: inline},
	{name: "status", kind: question},
	{name: "add entry", kind: change, byRqSeq: true},
	{name: "clear log", kind: change},
	{name: "power on", kind: action, intent: machine.Intent{Verb: provider.On}, accept: true},
	{name: "power off", kind: action, intent: machine.Intent{Verb: provider.Off}, accept: true},
	{name: "power reset", kind: action, intent: machine.Intent{Verb: provider.Reset}, accept: true},
	{name: "power shutdown", kind: action, intent: machine.Intent{Verb: provider.Shutdown}, accept: true},
	{name: "boot set", kind: action, intent: machine.Intent{Verb: provider.BootSet}, accept: true},
	{name: "close session", kind: inline},
}

const (
	firstAction  = 4
	closeSession = 9
)

// A client sends one request after the other.
type client struct {
	w        *world
	name     string
	habit    habit
	session  uint32
	left     int  // requests still to be sent
	closes   bool // it closes its session in the end
	sequence uint32
	packets  []*packet // by packet number, from 1
	rqSeq    byte
	gap      time.Duration // to the first repetition
	growth   time.Duration // of each further gap
	patience time.Duration // until it gives up, and sends no repetition any more
	current  *request
	former   []*request
	repeated bool // the next request is for what the last action was for
	received window
	attempts int             // how often it posts the same at most
	posts    map[int]*packet // that came to a process last, by command
}

// A request is something that a client wants once, however many packets it takes.
type request struct {
	client   *client
	number   int
	command  int
	sent     time.Duration // its first packet
	packets  []*packet
	handled  bool // a process has handled a packet of it
	answered bool // the client has an answer
	over     bool // the client has an answer or has given up
	told     machine.Outcome
	ended    time.Duration
	// former is an earlier request for the same, after which the client means this one as a second one; nil: there is
	// none.
	former  *request
	between bool // the client had an answer to former, and to another request since
	kills   int  // when the client sent former
	process int  // generation of the process when this request was sent

	cameTo int       // generation of the process that handled a packet of it last
	came   []arrival // of the first packet at each process
	// cameLast is the highest number of a packet that this process handled.
	cameLast uint32

	unkept bool // the disk could not be told who asked

	ran     []*run // that this request has been told of, or that the disk knows it asked for
	refused uint32 // highest packet number that had come when the request was refused last
	refuser int    // generation of the process that refused
}

// An arrival is the time at which a packet came to a process.
type arrival struct {
	sequence uint32
	at       time.Duration
}

// A packet is a request on its way to the BMC.
type packet struct {
	*request
	sequence uint32
	rqSeq    byte
	reply    answer // that the BMC gave

	broken    bool // its connection
	lost      bool // its answer, on the wire
	delivered int  // generation of the process that noted that its answer had left; 0: none
	unnoted   int  // files that do not know that its answer had left
}

// An answer is what a process keeps of an answer, to send it again.
type answer struct {
	process *process
	outcome machine.Outcome
	at      time.Duration
	again   int
}

func (k *packet) key() uint64 { return uint64(k.command) + 1 }

func (r *request) what() *command { return &commands[r.command] }

func (r *request) String() string {
	return fmt.Sprintf("%s#%d %q", r.client.name, r.number, r.what().name)
}

func (k *packet) String() string {
	return fmt.Sprintf("%v (packet %d, rqSeq %d)", k.request, k.sequence, k.rqSeq)
}

// newClient gives a client a habit, and the patience that goes with it. What a client may do is bounded by what is
// documented: it gives up while its request is remembered, and a client that changes its rqSeq sends the next packet
// so soon that it arrives within repeatGap.
func (w *world) newClient(n int) *client {
	c := &client{w: w, session: uint32(n + 1), habit: habit(w.IntN(5)), left: 2 + w.IntN(5)}
	c.closes = c.habit != equalPOST && w.chance(0.5)
	if w.transcript != nil {
		c.name = fmt.Sprintf("%c (%s)", 'A'+n, habits[c.habit])
	}
	c.posts = make(map[int]*packet)
	c.gap = w.between(300*time.Millisecond, 5*time.Second-slack-w.delay)
	switch c.habit {
	case changesRqSeq:
		c.gap = time.Second
		c.growth = 500 * time.Millisecond
	case keepsRqSeq:
		c.gap = w.between(time.Second, 15*time.Second)
	case equalPOST:
		c.gap = w.between(0, 3*time.Second)
		c.patience = 10 * time.Second
		if w.chance(0.5) {
			c.patience = time.Minute
		}
		c.attempts = 1 + w.IntN(10)
		return c
	}
	c.patience = w.between(c.gap, RepeatHold-slack-w.delay)
	return c
}

const slack = time.Second

// next has the client send its next request.
func (c *client) next() {
	w := c.w
	closes := c.left == 0 && c.closes
	if c.left == 0 && !closes {
		return
	}
	c.closes = c.closes && !closes
	c.left = max(0, c.left-1)
	r := &request{client: c, sent: w.now, number: len(c.former) + 1, kills: w.kills, process: w.generation}
	c.current = r
	if r.command = closeSession; !closes {
		r.command = c.choose()
	}
	c.rqSeq = (c.rqSeq + 1) % rqSeqs
	if c.habit == oneRqSeq {
		c.rqSeq = 0
	}
	c.mean(r)
	w.tell("%v is wanted%s", r, map[bool]string{true: ", once more"}[r.former != nil])
	if c.habit == equalPOST {
		c.post(r)
		return
	}
	c.send(r, c.gap)
	w.after(c.patience, func() {
		if !r.over {
			w.tell("%v: the client gives up", r)
			c.finish(r)
		}
	})
}

// choose picks a command: often the same action as before, with or without something else in between.
func (c *client) choose() int {
	w := c.w
	if c.repeated {
		c.repeated = false
		for i := len(c.former) - 1; i >= 0; i-- {
			if c.former[i].what().kind >= action {
				return c.former[i].command
			}
		}
	}
	if n := w.IntN(closeSession); n < firstAction && c.makes(commands[n]) {
		return n
	}
	return w.actions[w.IntN(len(w.actions))]
}

// makes reports whether a client can have a command carried out once. With another rqSeq, or one for everything, each
// packet adds an entry.
func (c *client) makes(what command) bool {
	switch c.habit {
	case changesRqSeq, oneRqSeq:
		return !what.byRqSeq
	case equalPOST:
		return what.kind != change
	default:
		return true
	}
}

// mean finds the request of which this one is a second.
func (c *client) mean(r *request) {
	for i := len(c.former) - 1; i >= 0; i-- {
		o := c.former[i]
		if o.command == r.command && o.handled {
			r.former, r.kills = o, o.kills
			r.between = o.answered && !o.told.Undone() && i < len(c.former)-1 && c.former[i+1].answered
			return
		}
	}
}

// send sends a packet, and another one later if no answer comes.
func (c *client) send(r *request, gap time.Duration) {
	if r.over {
		return
	}
	w := c.w
	var p *packet
	if c.habit == identicalDatagram && len(r.packets) > 0 {
		p = r.packets[0]
	} else {
		c.sequence++
		if c.habit == changesRqSeq && len(r.packets) > 0 {
			c.rqSeq = (c.rqSeq + 1) % rqSeqs
		}
		p = &packet{request: r, sequence: c.sequence, rqSeq: c.rqSeq}
		r.packets = append(r.packets, p)
		c.packets = append(c.packets, p)
	}
	w.transmit(p.String, func() { w.arrive(p) })
	w.after(gap, func() { c.send(r, min(gap+c.growth, max(gap, 5*time.Second-slack-w.delay))) })
}

// transmit has the network carry a packet: not at all, once or twice, and sooner or later.
func (w *world) transmit(name func() string, arrive func()) {
	copies := 1
	if w.chance(w.loss) {
		copies = 0
		if w.transcript != nil {
			w.tell("%s: lost", name())
		}
	} else if w.chance(w.double) {
		copies = 2
	}
	for range copies {
		d := w.between(0, 20*time.Millisecond)
		if w.chance(0.3) {
			d = w.between(0, w.delay)
		}
		w.after(d, arrive)
	}
}

// answer brings a client the answer to a packet.
func (c *client) answer(p *packet, o machine.Outcome) {
	r := p.request
	if r != c.current || r.over || c.habit == changesRqSeq && p != r.packets[len(r.packets)-1] {
		return
	}
	c.w.tell("%v: the client has %q", r, o)
	r.answered, r.told = true, o
	c.finish(r)
}

// finish ends a request, and begins the next one some time later.
func (c *client) finish(r *request) {
	w := c.w
	r.over, r.ended = true, w.now
	c.former = append(c.former, r)
	pause := w.between(0, 2*time.Second)
	if w.chance(0.5) {
		c.repeated = true
		if w.chance(0.5) {
			pause = w.between(0, 40*time.Second)
		}
	}
	w.after(pause, c.next)
}
