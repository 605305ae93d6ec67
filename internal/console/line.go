package console

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	// Instances is how many clients can have the console open at the same time. The client
	// of instance 1 types. The clients of instances 2 to 4 watch: their characters are
	// accepted and dropped.
	Instances = 4

	// silence is how long the owner of an instance may send nothing before another
	// client can have it. The longest interval of keep-alives of a client is 29 s
	// (pyghmi).
	silence = 35 * time.Second

	// closeTime is how long a payload that was deactivated waits for the acknowledgment
	// of its last output.
	closeTime = 5 * time.Second

	// settleTime is how long output waits after the activation. ipmiconsole drops output
	// that comes before the response.
	settleTime = 10 * time.Millisecond

	replayLen = 2048 // a screen of 24 lines with 80 characters, and a bit more
	noticeLen = 1024 // of the ring, kept free for Print while the client is slow
	maxClosed = 16   // sessions without a payload that are remembered as told
)

// Settings are what the administrator or a client (Set SOL Configuration Parameters) has
// set. They can change at any time.
type Settings struct {
	// Replay sends the last screenful to a client that activates, followed by a mark.
	Replay bool
	// Accumulate is the longest time that output waits for more output (parameter 3).
	Accumulate time.Duration
	// Threshold is how many characters are sent without waiting (parameter 3).
	Threshold int
	// RetryInterval is the time after which a packet is repeated (parameter 4). It is at
	// least 10 ms, whatever is set.
	RetryInterval time.Duration
	// Retries is how often a packet is repeated at RetryInterval (parameter 4). It is
	// then repeated every 2 s, until the payload ends.
	Retries int
}

// DefaultSettings are the settings of a new BMC.
var DefaultSettings = Settings{
	Replay:        true,
	Accumulate:    60 * time.Millisecond,
	Threshold:     rmcp.MaxCharacters,
	RetryInterval: 500 * time.Millisecond,
	Retries:       7,
}

// A Client is a session that opens or closes the console.
type Client struct {
	Session uint32         // session ID of the BMC
	User    string         // at most 16 bytes, as in RAKP Message 1
	Peer    netip.AddrPort // where the session was when it activated
	Local   netip.AddrPort // the address of the BMC to which it sent the request
}

// A Payload is the console as one client has it open.
type Payload struct {
	Client
	Instance int
	Since    time.Duration
}

// A Refusal is why a payload cannot be activated.
type Refusal int

// The results of [Line.Activate].
const (
	Granted  Refusal = iota // not refused
	Occupied                // another session has this instance: completion code 80h
	OnlyOne                 // the session has another instance already: completion code 82h
)

// A Line is the console line of one BMC.
type Line struct {
	Settings

	// Heard returns when the latest authentic packet of a session came. It must be set
	// before the first call of Activate.
	Heard func(session uint32) time.Duration

	output    outputRing
	input     inputRing
	connected bool
	breakOwed bool
	payloads  []*payload           // active, or closing
	last      [Instances]formerUse // by instance, counted from 0
	closed    []uint32             // sessions that are told that they have no payload
	told      []uint32             // sessions that were told, oldest first

	page    [SavedLen]byte // returned by Unsaved
	onDisk  [SavedLen]byte // known to be on disk
	clean   bool           // packets may be sent and characters typed: the page is on disk
	packets []Packet       // returned by Packets
}

// A formerUse is the packet number that a session has seen last. A client that activates
// again in the same session drops a packet with this number as a repetition.
type formerUse struct {
	session  uint32
	number   rmcp.SOLNumber
	advanced uint32 // as in payload
}

// New returns a line without a client. The storage has StorageLen bytes and is
// emptied. It should outlive the process, as the memory of a mapped file does.
func New(storage []byte, settings Settings) *Line {
	clear(storage)
	l := &Line{Settings: settings}
	l.output, l.input = divide(storage)
	return l
}

// Activate opens an instance, 1 to Instances, for a client. A client that has the instance
// already goes on as before, because it may have sent its request twice. An owner that was
// silent for 35 s loses the console to the new client.
func (l *Line) Activate(instance int, c Client, now time.Duration) Refusal {
	l.clean = false
	if own := l.find(c.Session); own != nil {
		switch {
		case own.closing:
			l.remove(own)
		case own.Instance == instance:
			return Granted
		default:
			return OnlyOne
		}
	}
	if owner := l.owner(instance); owner != nil {
		if now-l.Heard(owner.Session) < silence {
			return Occupied
		}
		l.close(owner, "taken", c, now)
	}
	l.forget(c.Session)
	p := &payload{
		Payload: Payload{Client: c, Instance: instance, Since: now},
		next:    l.output.end(),
		firstAt: now,
		waitFor: now + settleTime,
	}
	if last := l.last[instance-1]; last.session == c.Session {
		p.number, p.advanced = last.number, last.advanced
	}
	if l.Replay && p.next > 0 {
		p.mark, p.marked = p.next, true
		p.next = max(l.output.start(), before(p.next, replayLen))
		if p.next > 0 {
			p.next = l.output.lineStart(p.next, p.mark)
		}
	}
	l.payloads = append(l.payloads, p)
	return Granted
}

// Deactivate closes an instance on behalf of a session. A session that closes the instance
// of another one has it told. Deactivate returns false if the instance is not active.
func (l *Line) Deactivate(instance int, by Client, now time.Duration) bool {
	l.clean = false
	owner := l.owner(instance)
	if owner == nil {
		return false
	}
	if owner.Session == by.Session {
		l.remove(owner)
	} else {
		l.close(owner, "closed", by, now)
	}
	return true
}

// Leave drops what a session has open: the session has ended.
func (l *Line) Leave(session uint32) {
	l.clean = false
	if p := l.find(session); p != nil {
		l.remove(p)
	}
	l.forget(session)
}

// forget drops what is known of a session without a payload.
func (l *Line) forget(session uint32) {
	of := func(s uint32) bool { return s == session }
	l.closed = slices.DeleteFunc(l.closed, of)
	l.told = slices.DeleteFunc(l.told, of)
}

// Sessions returns the sessions that have the console open or have still to be told that
// it was closed. After [Restore], the caller calls Leave for each of them that has ended.
func (l *Line) Sessions() []uint32 {
	var all []uint32
	for _, p := range l.payloads {
		all = append(all, p.Session)
	}
	return all
}

// Payloads yields the payloads that are active.
func (l *Line) Payloads() iter.Seq[Payload] {
	return func(yield func(Payload) bool) {
		for _, p := range l.payloads {
			if !p.closing && !yield(p.Payload) {
				return
			}
		}
	}
}

// Open reports whether a client has the console open, or has still to be told that it was
// closed.
func (l *Line) Open() bool { return len(l.payloads) > 0 || len(l.closed) > 0 }

// Connect reports that a script runs from now on and reads its terminal, or is about to.
func (l *Line) Connect() { l.connected = true }

// Disconnect reports that the script has ended. Until the next Connect, characters from the
// client are accepted and dropped.
func (l *Line) Disconnect() {
	l.connected, l.breakOwed = false, false
	l.input.setStart(l.input.end)
}

// Room returns the part of the storage into which the next output of the script is to be
// read. It is empty while the client that types has not acknowledged a full ring: the
// script then blocks.
func (l *Line) Room() []byte {
	room := l.output.room()
	if p := l.owner(1); p != nil {
		used := int(l.output.end() - max(p.next, l.output.start()))
		room = room[:max(0, min(len(room), outputLen-noticeLen-used))]
	}
	return room
}

// Printed reports that the script printed the first n bytes of Room.
func (l *Line) Printed(n int, now time.Duration) {
	end := l.output.end()
	for _, p := range l.payloads {
		if p.next == end {
			p.firstAt = now
		}
	}
	l.output.grow(n)
}

// Print adds a line of the BMC's own to the output, such as "[console: exit status 1]". It
// drops the line if the client that types is so slow that it would miss output of the
// script.
func (l *Line) Print(text string, now time.Duration) {
	text += "\r\n"
	if !l.output.atLineStart() {
		text = "\r\n" + text
	}
	if p := l.owner(1); p != nil && l.output.end()+uint64(len(text))-p.next > outputLen {
		return
	}
	l.Printed(0, now)
	l.output.write([]byte(text))
}

// Log returns the output in the ring, oldest first, in two parts of the storage.
func (l *Line) Log() [2][]byte { return l.output.span(l.output.start(), l.output.end()) }

// Typed returns the next characters for the script's terminal, at most 255, and forgets
// them: a process that is killed before it writes them loses them, and no process writes
// them twice. If the terminal does not take all of them, the caller gives the rest back
// with Untyped. After a write, the caller calls Unsaved again, because a packet may have
// waited for the room.
func (l *Line) Typed() []byte {
	if !l.clean {
		return nil
	}
	return l.input.take(rmcp.MaxCharacters)
}

// Untyped takes back the last n of the characters that Typed returned.
func (l *Line) Untyped(n int) { l.input.setStart(l.input.start() - uint64(n)) }

// Break reports, once, whether a client has sent a break.
func (l *Line) Break() bool {
	owed := l.clean && l.breakOwed
	if owed {
		l.breakOwed = false
	}
	return owed
}

// owner returns the active payload of an instance, or nil.
func (l *Line) owner(instance int) *payload {
	for _, p := range l.payloads {
		if p.Instance == instance && !p.closing {
			return p
		}
	}
	return nil
}

// find returns the payload of a session, active or closing, or nil.
func (l *Line) find(session uint32) *payload {
	for _, p := range l.payloads {
		if p.Session == session {
			return p
		}
	}
	return nil
}

func (l *Line) remove(p *payload) {
	l.payloads = slices.DeleteFunc(l.payloads, func(o *payload) bool { return o == p })
	l.last[p.Instance-1] = formerUse{session: p.Session, number: p.number, advanced: p.advanced}
}

// close ends a payload: its client gets the output up to now, a line that says why, and
// then a packet that reports the deactivation. An instance has at most one payload that
// closes, so that the saved state has a fixed size.
func (l *Line) close(p *payload, how string, by Client, now time.Duration) {
	for _, o := range l.payloads {
		if o.Instance == p.Instance && o.closing {
			l.finish(o)
			break
		}
	}
	p.closing, p.end, p.deadline = true, l.output.end(), now+closeTime
	p.notice = fmt.Sprintf("\r\n[console %s by %s from %s]\r\n", how, by.User, by.Peer.Addr())
	p.held = nil
}

// finish drops a payload and has its session told that it was deactivated.
func (l *Line) finish(p *payload) {
	l.remove(p)
	l.tell(p.Session)
}

// tell has one packet sent to a session that reports the deactivation.
func (l *Line) tell(session uint32) {
	if !slices.Contains(l.closed, session) {
		l.closed = append(l.closed, session)
	}
	l.closed = l.closed[max(0, len(l.closed)-maxClosed):]
}
