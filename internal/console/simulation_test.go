package console

import (
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// TestSimulation runs a line with its clients in virtual time, over a network that loses,
// duplicates, delays and reorders, while the process of the BMC is killed again and again.
// A seed decides everything. A seed that fails is run again to print what happened.
func TestSimulation(t *testing.T) {
	const seeds, parts = 2000, 2
	for part := range uint64(parts) {
		t.Run(strconv.FormatUint(part, 10), func(t *testing.T) {
			t.Parallel()
			storage := make([]byte, StorageLen)
			for seed := part; seed < seeds; seed += parts {
				if err := simulate(seed, storage, nil); err != nil {
					var transcript strings.Builder
					_ = simulate(seed, storage, &transcript)
					require.NoError(t, err, "seed %d\n%s", seed, transcript.String())
				}
			}
		})
	}
}

func FuzzSimulation(f *testing.F) {
	f.Add(uint64(1 << 32))
	f.Fuzz(func(t *testing.T, seed uint64) {
		require.NoError(t, simulate(seed, make([]byte, StorageLen), nil), "seed %d", seed)
	})
}

// A habit is how a client treats SOL packets.
type habit struct {
	name  string
	chunk int             // most characters in a packet
	waits []time.Duration // before each repetition, and before it gives up

	renumbers    bool // repeats under a new number
	outputIsAck  bool // takes output for the acknowledgment
	losesRest    bool // does not send the rest of a packet that was accepted in part
	seesOneOrder bool // does not look at session sequence numbers: the network must keep the order
	polls        bool // sends an empty packet every 100 ms
	halfCycle    bool // takes a number more than seven ahead for an old one
	acceptsPart  bool // of some output
}

func every(wait time.Duration, times int) []time.Duration {
	return slices.Repeat([]time.Duration{wait}, times)
}

// The habits of the known clients, and those of a client that does everything that the
// specification allows.
var habits = []habit{
	{name: "ipmitool", chunk: 251, waits: every(time.Second, 4), renumbers: true, outputIsAck: true, seesOneOrder: true},
	{name: "ipmiconsole", chunk: 251, waits: every(500*time.Millisecond, 17)},
	{name: "pyghmi", chunk: 255, waits: []time.Duration{
		500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond, 3500 * time.Millisecond, 4500 * time.Millisecond,
		4500 * time.Millisecond, 4500 * time.Millisecond,
	}, losesRest: true},
	{name: "go-ipmi", chunk: 1, waits: every(time.Second, 30), polls: true, seesOneOrder: true, halfCycle: true},
	{name: "a client by the book", chunk: 251, waits: every(time.Second, 60), acceptsPart: true},
}

// A simulation is one run. Its random numbers decide everything.
type simulation struct {
	*rand.Rand
	now        time.Duration
	events     events
	order      int
	transcript *strings.Builder

	calm    bool // the network loses nothing and keeps the order
	settled bool // the end: the network is calm, and the process lives
	loss    float64
	kills   float64

	host host
	// A packet that was received and not saved is sent again, except by ipmitool if it
	// took output for the acknowledgment.
	swallowed int

	printed []byte // by the script
	typed   []byte // into the script
	clients []*simulated
}

// An event is something that happens later.
type event struct {
	at    time.Duration
	order int
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (s *simulation) after(d time.Duration, do func()) {
	s.order++
	heap.Push(&s.events, event{s.now + d, s.order, do})
}

func (s *simulation) runUntil(end time.Duration) {
	for len(s.events) > 0 && s.events[0].at <= end {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	s.now = end
}

func (s *simulation) logf(format string, args ...any) {
	if s.transcript != nil {
		fmt.Fprintf(s.transcript, "%9.3f ", (s.now - start).Seconds())
		fmt.Fprintf(s.transcript, format, args...)
		s.transcript.WriteByte('\n')
	}
}

func (s *simulation) chance(p float64) bool { return s.Float64() < p }

func (s *simulation) between(from, to time.Duration) time.Duration {
	return from + time.Duration(s.Int64N(int64(to-from)+1))
}

const (
	start  = time.Hour // since boot
	active = 8 * time.Second
	rest   = 60 * time.Second // long enough for every repetition
)

func simulate(seed uint64, storage []byte, transcript *strings.Builder) error {
	s := &simulation{Rand: rand.New(rand.NewPCG(seed, 1)), now: start, transcript: transcript}
	s.calm = s.chance(0.4)
	s.loss = []float64{0.02, 0.1, 0.25}[s.IntN(3)]
	kills := []float64{0, 0.01, 0.05}[s.IntN(3)]
	writer := habits[s.IntN(len(habits))]
	h := &s.host
	h.simulation, h.storage = s, storage
	h.deaf = s.chance(0.1) && !writer.losesRest && (s.calm || !writer.renumbers)
	if h.deaf && writer.renumbers {
		kills = 0 // its second starts when it sends, and the acknowledgment is held 0.7 s
	}
	// Output that crosses a packet of ipmitool hides that a part was accepted.
	silent := h.deaf && writer.outputIsAck
	settings := DefaultSettings
	settings.Replay = s.chance(0.3)
	h.line = New(storage, settings)
	h.line.Heard = func(uint32) time.Duration { return s.now }
	h.line.Connect()
	if settings.Replay && s.chance(0.8) {
		s.prints(s.IntN(5000))
	}
	s.logf("%s, calm %v, loss %v, kills %v, deaf %v, replay %v", writer.name, s.calm, s.loss, kills, h.deaf, settings.Replay)

	s.open(1, writer)
	if s.chance(0.5) {
		s.open(2, habits[s.IntN(len(habits))])
	}
	h.step() // before it is saved, no client has a response to its activation
	s.kills = kills
	for range s.IntN(40) {
		if silent {
			break
		}
		s.after(s.between(0, active), func() { s.prints(1 + s.IntN(200)) })
	}
	if !silent && s.chance(0.2) {
		s.after(s.between(0, active), func() { s.prints(s.IntN(100_000)) })
	}
	for range s.IntN(60) {
		s.after(s.between(0, active), func() { s.clients[0].types(1 + s.IntN(20)) })
	}
	if h.deaf || s.chance(0.1) {
		s.after(s.between(0, active), func() { s.clients[0].types(s.IntN(3000)) })
	}
	if h.deaf && writer.chunk > 1 {
		s.after(s.between(0, active), func() { s.clients[0].types(80_000) })
	}
	s.runUntil(start + active)
	s.settled, h.deaf = true, false
	h.wake()
	s.runUntil(start + active + rest)
	return errors.Join(s.checkTyped(), s.checkSeen())
}

// prints has the script print numbered lines.
func (s *simulation) prints(n int) {
	for before := len(s.printed); len(s.printed) < before+n; {
		s.printed = fmt.Appendf(s.printed, "%06d %s\r\n", len(s.printed), strings.Repeat("=", s.IntN(60)))
	}
	s.host.wake()
}

// open gives an instance of the console to a client.
func (s *simulation) open(instance int, h habit) {
	c := &simulated{simulation: s, habit: h, session: uint32(instance), out: link{inOrder: s.calm, late: 0.1}, in: link{inOrder: s.calm || h.seesOneOrder}}
	l := s.host.line
	l.Activate(instance, Client{Session: c.session}, s.now)
	c.from = len(s.printed)
	if l.Replay && c.from > 0 {
		c.marked = true
		if c.from > replayLen {
			c.from += bytes.IndexByte(s.printed[c.from-replayLen:], '\n') + 1 - replayLen
		} else {
			c.from = 0
		}
	}
	c.replayed = len(s.printed) - c.from
	s.clients = append(s.clients, c)
	if h.polls {
		s.after(0, c.poll)
	}
}

// A link is one direction of the network between a client and the BMC.
type link struct {
	inOrder bool
	late    float64 // the share of datagrams that take much longer than others
	latest  time.Duration
}

// carry delivers a datagram: never, once or twice.
func (s *simulation) carry(l *link, do func()) {
	copies := 1
	if !s.settled {
		if !s.calm && s.chance(s.loss) {
			copies = 0
		} else if s.chance(0.05) {
			copies = 2
		}
	}
	for range copies {
		d := s.between(0, 10*time.Millisecond)
		if !s.settled && s.chance(0.2) {
			d = s.between(0, 200*time.Millisecond)
		}
		if !s.settled && s.chance(l.late) {
			d = s.between(0, 1500*time.Millisecond)
		}
		if s.calm {
			d /= 2
		}
		if l.inOrder {
			d = max(d, l.latest-s.now)
			l.latest = s.now + d
		}
		s.after(d, do)
	}
}

// A host is the process of the BMC, and what outlives it.
type host struct {
	*simulation
	line     *Line // nil while no process runs
	storage  []byte
	disk     []byte
	socket   []func()           // datagrams that wait
	seen     [3]map[uint32]bool // session sequence numbers that were received, by session
	sequence [3]uint32          // of the latest packet to a session
	read     int                // how much of the script's output was read
	deaf     bool               // the script reads almost nothing
	spared   time.Duration      // the process is not killed before
	timer    int                // invalidates older timers
	stepping bool               // step runs
}

// receives takes a datagram from the network.
func (h *host) receives(session, sequence uint32, p rmcp.SOL) {
	h.socket = append(h.socket, func() {
		if h.seen[session] == nil {
			h.seen[session] = make(map[uint32]bool)
		}
		if !h.seen[session][sequence] {
			h.seen[session][sequence] = true
			h.line.Receive(session, sequence, p, h.now)
		}
	})
	h.wake()
}

func (h *host) wake() {
	if h.line != nil && !h.stepping {
		h.step()
	}
}

// killed reports whether the process is killed at this point. Another one starts later.
func (h *host) killed(where string) bool {
	if h.settled || !h.chance(h.kills) || h.now < h.spared {
		return false
	}
	down := h.between(0, 600*time.Millisecond)
	if h.calm {
		down /= 2
		h.spared = h.now + time.Second // otherwise no acknowledgment reaches ipmitool in time
	}
	h.logf("KILLED %s, for %v", where, down)
	settings := h.line.Settings
	h.line = nil
	h.timer++
	h.after(down, func() {
		line, err := Restore(h.disk, h.storage, settings, h.now)
		if err != nil {
			panic(err)
		}
		h.logf("RESTORED")
		h.line = line
		h.line.Heard = func(uint32) time.Duration { return h.now }
		h.line.Connect()
		h.step()
	})
	return true
}

// step does what the process does when it wakes, until there is nothing to do.
func (h *host) step() {
	h.stepping = true
	defer func() { h.stepping = false }()
	for again := true; again; {
		again = false
		received := len(h.socket) > 0
		if received {
			receive := h.socket[0]
			h.socket = h.socket[1:]
			receive()
			again = true
		}
		if n := copy(h.line.Room(), h.printed[h.read:]); n > 0 {
			h.read += n
			if h.killed("after the terminal was read") {
				return
			}
			h.line.Printed(n, h.now)
			again = true
		}
		if page := h.line.Unsaved(h.now); page != nil {
			if h.killed("before the save") {
				if received {
					h.swallowed++
				}
				return
			}
			h.disk = append(h.disk[:0], page...)
			h.line.Saved()
			if h.killed("after the save") {
				return
			}
		}
		for _, p := range h.line.Packets(h.now) {
			h.sends(p)
		}
		if h.killed("after the packets") {
			return
		}
		if b := h.line.Typed(); len(b) > 0 {
			took := len(b)
			if h.deaf {
				took = min(took, h.IntN(3)/2)
			} else if h.chance(0.1) {
				took = h.IntN(took + 1)
			}
			h.line.Untyped(len(b) - took)
			h.typed = append(h.typed, b[:took]...)
			again = again || !h.deaf
			h.logf("                        typed %q", b[:took])
			if h.killed("after the terminal was written") {
				return
			}
		}
	}
	h.timer++
	timer, due := h.timer, h.line.Due(never)
	if h.deaf {
		due = min(due, h.now+100*time.Millisecond)
	}
	if due != never {
		h.after(max(0, due-h.now), func() {
			if timer == h.timer && h.line != nil {
				h.step()
			}
		})
	}
}

func (h *host) sends(p Packet) {
	data := bytes.Clone(p.Data)
	h.sequence[p.Session]++
	sequence, sol := h.sequence[p.Session], p.SOL
	sol.Data = data
	for _, c := range h.clients {
		if c.session == p.Session {
			h.logf("   BMC -> %d #%d ack %d:%d %q", p.Session, sol.Number, sol.Acked, sol.Accepted, data)
			h.carry(&c.in, func() { c.receives(sequence, sol) })
		}
	}
}

// A simulated client has a habit, and knows what it has typed and seen.
type simulated struct {
	*simulation
	habit
	session  uint32
	sequence uint32
	out, in  link
	gone     bool // it has given up

	pending []byte // typed, and not sent
	number  rmcp.SOLNumber
	sending *transfer
	sent    []*transfer

	heard    map[uint32]bool
	latest   uint32 // session sequence number of the latest packet with output
	got      rmcp.SOLNumber
	accepted int
	seen     []byte // output

	from, replayed int // where its output starts, and how much of that is replay
	marked         bool
}

// A transfer is a packet with characters on its way to the BMC.
type transfer struct {
	text          []byte
	least, most   int // how often the BMC may type it
	number        rmcp.SOLNumber
	transmissions int
}

// types has a person type.
func (c *simulated) types(n int) {
	for range n {
		c.pending = append(c.pending, byte('!'+len(c.sent)%7*13+len(c.pending)%13))
	}
	c.next()
}

// next sends a packet unless another packet is under way.
func (c *simulated) next() {
	if c.sending != nil || c.gone || len(c.pending) == 0 {
		return
	}
	n := min(len(c.pending), c.chunk)
	t := &transfer{text: bytes.Clone(c.pending[:n]), least: 1}
	c.pending = c.pending[n:]
	c.begin(t)
}

func (c *simulated) begin(t *transfer) {
	c.sending = t
	c.sent = append(c.sent, t)
	c.renumber(t)
	c.transmit(t)
}

func (c *simulated) renumber(t *transfer) {
	c.number = c.number.Next()
	t.number = c.number
	t.most++
}

// transmit sends a packet, now and again until it is acknowledged.
func (c *simulated) transmit(t *transfer) {
	c.send(rmcp.SOL{Number: t.number, Data: t.text})
	wait := c.waits[t.transmissions]
	t.transmissions++
	transmissions := t.transmissions
	c.after(wait, func() {
		switch {
		case c.sending != t || t.transmissions != transmissions || c.gone:
		case transmissions == len(c.waits):
			c.logf("%d gives up", c.session)
			t.least, c.gone = 0, true
		case c.renumbers:
			c.renumber(t)
			c.transmit(t)
		default:
			c.transmit(t)
		}
	})
}

func (c *simulated) send(p rmcp.SOL) {
	c.sequence++
	sequence := c.sequence
	c.logf("%d -> BMC    #%d ack %d:%d %q", c.session, p.Number, p.Acked, p.Accepted, p.Data)
	c.carry(&c.out, func() { c.host.receives(c.session, sequence, p) })
}

// poll sends an empty packet unless another packet is under way.
func (c *simulated) poll() {
	if c.gone || c.settled && c.now > start+active+rest/4 {
		return
	}
	if c.sending == nil {
		c.begin(&transfer{})
	}
	c.after(100*time.Millisecond, c.poll)
}

func (c *simulated) receives(sequence uint32, p rmcp.SOL) {
	if c.gone || !c.seesOneOrder && c.heard[sequence] {
		return
	}
	if c.heard == nil {
		c.heard = make(map[uint32]bool)
	}
	c.heard[sequence] = true
	t := c.sending
	acked := t != nil && p.Acked == t.number
	// A real ipmiconsole prints a repetition again that a later packet has overtaken.
	if p.Number != 0 && sequence > c.latest {
		c.latest = sequence
		c.output(p)
	}
	switch {
	case acked:
		c.sending = nil
		c.acknowledged(t, int(p.Accepted))
	case t != nil && c.outputIsAck && len(p.Data) > 0:
		c.sending, t.least = nil, 0
		c.next()
	}
}

// acknowledged ends a transfer. The characters that were not accepted are sent under the
// next number.
func (c *simulated) acknowledged(t *transfer, accepted int) {
	if accepted >= len(t.text) {
		c.next()
		return
	}
	if c.losesRest {
		t.least = 0
		c.next()
		return
	}
	remaining := &transfer{text: t.text[accepted:], least: 1}
	t.text = t.text[:accepted]
	c.begin(remaining)
}

// output prints and acknowledges a packet.
func (c *simulated) output(p rmcp.SOL) {
	old := p.Number == c.got
	if c.halfCycle && c.got != 0 {
		old = (p.Number+rmcp.LastNumber-c.got)%rmcp.LastNumber > 7 || old
	}
	if !old {
		c.got, c.accepted = p.Number, len(p.Data)
		if c.acceptsPart && c.chance(0.2) && !c.settled {
			c.accepted = c.IntN(len(p.Data) + 1)
		}
		c.seen = append(c.seen, p.Data[:c.accepted]...)
	}
	c.send(rmcp.SOL{Acked: p.Number, Accepted: byte(c.accepted)})
}

// checkTyped compares what was typed with what the client sent.
func (s *simulation) checkTyped() error {
	c := s.clients[0]
	if !c.gone && (c.sending != nil && len(c.sending.text) > 0 || len(c.pending) > 0) {
		return fmt.Errorf("%s is still sending", c.name)
	}
	missing := 0
	rest := s.typed
	for i, t := range c.sent {
		times := 0
		if s.calm {
			t.most = 1
		}
		for times < t.most && len(t.text) > 0 && bytes.HasPrefix(rest, t.text) {
			rest = rest[len(t.text):]
			times++
		}
		if times == 0 && len(t.text) > 0 {
			missing++
		}
		if times < t.least && len(t.text) > 0 {
			return fmt.Errorf("transfer %d of %s, %q, was typed %d times; %q follows", i, c.name, t.text, times, rest[:min(len(rest), 40)])
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%q was typed and not sent", rest[:min(len(rest), 40)])
	}
	if s.calm && missing > s.swallowed && !c.losesRest {
		return fmt.Errorf("%d transfers of %s were not typed", missing, c.name)
	}
	return nil
}

var lost = regexp.MustCompile(`\r\n\[console: (\d+) characters lost\]\r\n`)

// checkSeen compares what the clients have seen with what the script printed.
func (s *simulation) checkSeen() error {
	for _, c := range s.clients {
		want := s.printed[c.from:]
		if c.marked && (c.session == 1 || bytes.Contains(c.seen, []byte(liveMark))) {
			want = slices.Concat(want[:c.replayed], []byte(liveMark), want[c.replayed:])
		}
		if c.session > 1 {
			// A watcher may miss output if it is told.
			for _, found := range lost.FindAllSubmatch(c.seen, -1) {
				n, _ := strconv.Atoi(string(found[1]))
				at := bytes.Index(c.seen, found[0])
				if at+n > len(want) {
					return fmt.Errorf("%s is told that %d characters are lost", c.name, n)
				}
				c.seen = slices.Concat(c.seen[:at], want[at:at+n], c.seen[at+len(found[0]):])
			}
		}
		if c.gone {
			want = want[:min(len(c.seen), len(want))]
		}
		if !bytes.Equal(want, c.seen) {
			at := 0
			for at < min(len(want), len(c.seen)) && want[at] == c.seen[at] {
				at++
			}
			return fmt.Errorf("%s, client %d: %d characters were printed and %d seen; the first difference is at %d: %q, want %q", c.name, c.session,
				len(want), len(c.seen), at, c.seen[at:min(at+60, len(c.seen))], want[at:min(at+60, len(want))])
		}
	}
	return nil
}
