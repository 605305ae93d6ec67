package console

import (
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	// holdTime is how long an acknowledgment waits for room. ipmitool types its
	// characters a second time if there is none after 0.9 s.
	holdTime = 700 * time.Millisecond

	// pollTime is how long a client that polls gets output only with an acknowledgment.
	pollTime = time.Second

	minRetryInterval = 10 * time.Millisecond
	slowInterval     = 2 * time.Second // after the retries that are set

	// quietTime is how long a new process sends no output unless a packet comes. The
	// process before it may have died with a packet that was not on disk yet. ipmitool
	// sends it again after 1 s, unless output comes, which it takes for the
	// acknowledgment.
	quietTime = 1200 * time.Millisecond
)

// A payload is a Payload and the packets under way.
type payload struct {
	Payload

	// From the client: the latest packet that was accepted.
	got      rmcp.SOLNumber
	length   byte   // characters in that packet
	accepted byte   // how many of them
	blank    bool   // the packet had neither characters nor a break
	sequence uint32 // session sequence number of the latest packet that was not blank
	ackOwed  bool   // the client waits for the acknowledgment
	held     *held  // a packet that does not fit; nothing is sent until it is acknowledged
	polls    bool   // the client may read a packet only as the response to its own
	polledAt time.Duration

	// To the client.
	number   rmcp.SOLNumber // of the latest packet
	unacked  []byte         // its characters, or those of the next one; at most MaxCharacters
	inFlight bool           // unacked has the number
	advanced uint32         // session sequence number of the packet that acknowledged the number before
	sendOwed bool           // the packet is to be sent now
	sentAt   time.Duration
	sent     int           // how often
	waitFor  time.Duration // no output is sent before
	next     uint64        // position in the ring of the first character not in unacked
	mark     uint64        // where the replay ends
	marked   bool          // the mark is to be sent there
	firstAt  time.Duration // when the character at next was printed
	echo     bool          // the client has typed: the next output need not accumulate
	restored bool          // no packet with a number has come since the process started

	// Fields of a payload that was deactivated.
	closing  bool
	end      uint64 // position after the last output for the client
	notice   string // the line after that
	deadline time.Duration
}

// A held packet waits for room in the input ring.
type held struct {
	rmcp.SOL
	sequence uint32
	since    time.Duration
}

// Receive takes a packet of a session. The sequence is the session sequence number of its
// datagram.
func (l *Line) Receive(session, sequence uint32, s rmcp.SOL, now time.Duration) {
	l.clean = false
	p := l.find(session)
	if p == nil {
		l.refuse(session, s)
		return
	}
	p.acknowledge(sequence, s, l.interval(0), now)
	if s.Number != 0 && p.restored {
		p.restored, p.waitFor = false, now
	}
	p.poll(s, now)
	switch {
	case s.Number == 0 || p.overtaken(sequence):
	case p.held != nil && p.held.Number == s.Number:
	case s.Number == p.got:
		l.again(p, sequence, s)
	default:
		// A packet under a new number means that the client has given up the one before.
		p.held = &held{SOL: s, sequence: sequence, since: now}
		p.held.Data = append([]byte(nil), s.Data...)
		l.admit(p, now)
	}
}

// refuse tells a session, once, that it has no payload. A client that has just deactivated
// may still acknowledge output. That needs no answer.
func (l *Line) refuse(session uint32, s rmcp.SOL) {
	for _, t := range l.told {
		if t == session {
			return
		}
	}
	if s.Number != 0 {
		l.tell(session)
		l.told = append(l.told, session)
		l.told = l.told[max(0, len(l.told)-maxClosed):]
	}
}

// overtaken reports whether the client has sent a later packet already. Its characters
// were typed, or the client has given them up.
func (p *payload) overtaken(sequence uint32) bool {
	latest := p.sequence
	if p.held != nil {
		latest = p.held.sequence
	}
	return !after(sequence, latest)
}

// after reports whether a session sequence number is later than another one; 0: than none.
func after(sequence, other uint32) bool { return other == 0 || int32(sequence-other) > 0 }

// poll notes whether the client reads output only as the response to a packet of its own.
// An earlier client of go-ipmi does: it begins with an empty packet, sends another one
// every 100 ms, and acknowledges output in the next of them. It takes any other packet for
// the response to its own, and then types again what was accepted.
func (p *payload) poll(s rmcp.SOL, now time.Duration) {
	p.polledAt = now
	switch {
	case s.Number == 0:
		p.polls = false
	case p.got == 0 && len(s.Data) == 0 && s.Flags&rmcp.SOLBreak == 0:
		p.polls = true
	}
}

// acknowledge takes the part of a packet that concerns our packet. If only a part of the
// characters was accepted, the rest goes out under the next number: at once, or after the
// interval if nothing was accepted.
//
// Numbers come round after 15 packets. An acknowledgment that the client sent before it
// could have our packet is one of an earlier round, which the network has delayed.
func (p *payload) acknowledge(sequence uint32, s rmcp.SOL, interval, now time.Duration) {
	if !p.inFlight || s.Acked != p.number || !after(sequence, p.advanced) {
		return
	}
	p.advanced = sequence
	n := min(int(s.Accepted), len(p.unacked))
	p.unacked = p.unacked[:copy(p.unacked, p.unacked[n:])]
	p.inFlight, p.sendOwed = false, false
	if n == 0 {
		p.waitFor = now + interval
	}
}

// again takes a repetition: the client has not received the acknowledgment. The client may
// have appended characters, but only if it has not been told that the first ones did not
// fit.
func (l *Line) again(p *payload, sequence uint32, s rmcp.SOL) {
	if appended := len(s.Data) - int(p.length); appended > 0 && p.accepted == p.length && l.fits(p, appended) {
		l.takeIn(p, s.Data[p.length:])
		p.length, p.accepted = byte(len(s.Data)), byte(len(s.Data))
	}
	p.ackOwed = true
	if !p.blank {
		p.sequence = sequence
	}
}

// types reports whether what the client types reaches a script.
func (l *Line) types(p *payload) bool { return p.Instance == 1 && !p.closing && l.connected }

func (l *Line) fits(p *payload, n int) bool { return !l.types(p) || n <= l.input.room() }

func (l *Line) takeIn(p *payload, b []byte) {
	if l.types(p) {
		l.input.write(b)
		p.echo = true
	}
}

// admit accepts the held packet as soon as it fits. It accepts the part that fits when the
// client cannot wait longer. It never reports NACK, because ipmitool then drops the rest.
func (l *Line) admit(p *payload, now time.Duration) {
	h := p.held
	if h == nil || !l.fits(p, len(h.Data)) && now < h.since+holdTime {
		return
	}
	n := len(h.Data)
	if !l.fits(p, n) {
		n = l.input.room()
	}
	l.takeIn(p, h.Data[:n])
	isBreak := h.Flags&rmcp.SOLBreak != 0 && len(h.Data) == 0
	if isBreak && l.types(p) {
		l.breakOwed = true
	}
	p.got, p.length, p.accepted = h.Number, byte(len(h.Data)), byte(n)
	p.blank = len(h.Data) == 0 && !isBreak
	if !p.blank {
		p.sequence = h.sequence
	}
	p.ackOwed, p.held = true, nil
}

// plan decides what to send to the client of a payload.
func (l *Line) plan(p *payload, now time.Duration) {
	l.admit(p, now)
	if p.held != nil {
		return // ipmitool takes any output as the acknowledgment
	}
	if now < p.silentUntil() {
		return
	}
	if p.inFlight {
		p.sendOwed = p.sendOwed || now >= l.repeatAt(p)
		return
	}
	if at, ok := l.readyAt(p); !ok || now < at {
		return
	}
	l.fill(p)
	p.number = p.number.Next()
	p.inFlight, p.sendOwed, p.sent, p.echo = true, true, 0, false
}

// readyAt returns when the next packet is to be made, and false if there is no output.
func (l *Line) readyAt(p *payload) (time.Duration, bool) {
	waiting := int64(l.end(p) - p.next)
	switch {
	case len(p.unacked) > 0 || p.marked || p.notice != "":
		return p.waitFor, true
	case waiting <= 0:
		return 0, false
	case waiting >= int64(min(max(l.Threshold, 1), rmcp.MaxCharacters)) || p.echo || p.closing:
		return p.waitFor, true
	default:
		return max(p.waitFor, p.firstAt+l.Accumulate), true
	}
}

// end returns the position after the last output that the client gets.
func (l *Line) end(p *payload) uint64 {
	if p.closing {
		return p.end
	}
	return l.output.end()
}

// fill moves output from the ring into the next packet. A mark or a notice follows the
// characters if the packet has room for all of it; otherwise it comes in the next packet.
func (l *Line) fill(p *payload) {
	if start := l.output.start(); p.next < start && !l.skip(p, start) {
		return
	}
	end := l.end(p)
	if p.marked {
		end = p.mark
	}
	to := min(end, p.next+uint64(rmcp.MaxCharacters-len(p.unacked)))
	for _, part := range l.output.span(p.next, to) {
		p.unacked = append(p.unacked, part...)
	}
	p.next = to
	switch {
	case to < end:
	case p.marked:
		p.marked = !p.appendWhole("\r\n[console: output from here on is live]\r\n")
	case p.notice != "" && p.appendWhole(p.notice):
		p.notice = ""
	}
}

// skip leaves out output that was overwritten before the client has acknowledged what came
// before it. It returns false if the next packet has no room for the line that tells the
// client: then the packet is sent as it is.
func (l *Line) skip(p *payload, start uint64) bool {
	to := min(l.output.lineStart(start, min(start+replayLen, l.output.end())), l.end(p))
	if !p.appendWhole(fmt.Sprintf("\r\n[console: %d characters lost]\r\n", to-p.next)) {
		return false
	}
	p.next, p.marked = to, p.marked && p.mark >= to
	return true
}

// appendWhole appends a text to the next packet if there is room for it.
func (p *payload) appendWhole(text string) bool {
	if len(p.unacked)+len(text) > rmcp.MaxCharacters {
		return false
	}
	p.unacked = append(p.unacked, text...)
	return true
}

// interval returns the time between a packet that was sent n times and its repetition.
func (l *Line) interval(n int) time.Duration {
	interval := max(l.RetryInterval, minRetryInterval)
	if n > l.Retries {
		interval = max(interval, slowInterval)
	}
	return interval
}

// silentUntil returns when output can be sent to a client that polls, unless the client
// sends a packet before.
func (p *payload) silentUntil() time.Duration {
	if !p.polls || p.ackOwed {
		return 0
	}
	return p.polledAt + pollTime
}

// repeatAt returns when the packet under way is to be repeated.
func (l *Line) repeatAt(p *payload) time.Duration {
	return max(p.waitFor, p.sentAt+l.interval(p.sent))
}

// finished reports whether a payload that closes has nothing left to send.
func (l *Line) finished(p *payload, now time.Duration) bool {
	if !p.closing {
		return false
	}
	_, more := l.readyAt(p)
	return now >= p.deadline || !p.inFlight && !more
}

// A Packet is a SOL packet to send.
type Packet struct {
	Session uint32 // session ID of the BMC
	rmcp.SOL
}

// Packets returns what [Line.Unsaved] decided to send. A packet that cannot be sent is
// repeated like a lost one. The packets are valid until the next call of any method.
func (l *Line) Packets(now time.Duration) []Packet {
	l.packets = l.packets[:0]
	if !l.clean {
		return nil
	}
	for _, p := range l.payloads {
		if p.held == nil && (p.ackOwed || p.sendOwed) {
			l.packets = append(l.packets, Packet{Session: p.Session, SOL: p.packet(now)})
		}
	}
	for _, session := range l.closed {
		l.packets = append(l.packets, Packet{Session: session, SOL: rmcp.SOL{Flags: rmcp.SOLDeactivated}})
	}
	l.closed = l.closed[:0]
	return l.packets
}

// packet returns the packet that must be sent now: the acknowledgment, output, or both together.
func (p *payload) packet(now time.Duration) rmcp.SOL {
	var s rmcp.SOL
	if p.ackOwed {
		s.Acked, s.Accepted, p.ackOwed = p.got, p.accepted, false
	}
	if p.sendOwed {
		s.Number, s.Data, p.sendOwed = p.number, p.unacked, false
		p.sentAt = now
		p.sent++
	}
	return s
}

// Due returns when [Line.Unsaved] must be called next if nothing else happens; never if
// nothing is under way.
func (l *Line) Due(never time.Duration) time.Duration {
	due := never
	for _, p := range l.payloads {
		if p.closing {
			due = min(due, p.deadline)
		}
		switch at, more := l.readyAt(p); {
		case p.held != nil && l.fits(p, len(p.held.Data)):
			due = 0
		case p.held != nil:
			due = min(due, p.held.since+holdTime)
		case p.inFlight:
			due = min(due, max(l.repeatAt(p), p.silentUntil()))
		case more:
			due = min(due, max(at, p.silentUntil()))
		}
	}
	return due
}
