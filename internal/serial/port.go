package serial

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Values that we chose.
const (
	// keepScript is how long the script runs on without a client. Some clients open and
	// close the console again and again.
	keepScript = 30 * time.Second

	firstPause = time.Second // until a script that has ended is run again
	maxPause   = 15 * time.Second
	// steadyRun is how long a script must have run for the next pause to be the first.
	steadyRun = 15 * time.Second
	// stayFor is how long the process stays at least while there is a client or a script.
	stayFor = time.Hour
	// maxRounds is how often one call of Serve takes output, so that output without end
	// does not keep others waiting.
	maxRounds = 4
)

// A Terminal is a running console script: [script.Terminal].
type Terminal interface {
	// Fd returns the descriptor to wait for.
	Fd() int
	// Read and Write return EAGAIN instead of waiting. Read returns io.EOF once the
	// script has ended.
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	// End ends the script if it has not ended, says how it ended, and may take long.
	End() string
}

// A Config is what a [Port] takes from its caller.
type Config struct {
	Dir      string // of the file
	Settings console.Settings
	Always   bool // the script runs even if no client has the console open
	// Connect starts the console script, and Break sends a break to the machine. Both
	// may take long.
	Connect func(context.Context) (Terminal, error)
	Break   func(context.Context) error
	// Kept is the script that an earlier process has started; nil: none.
	Kept Terminal
	// Later has a worker do something without the lock, and what follows with it.
	Later func(do func() (then func())) error
	Now   func() time.Duration
	// Expires is how long a session lives without a packet.
	Expires time.Duration
	Log     *slog.Logger
}

// A Front carries packets between the port and its clients. It is told to wait for the
// descriptor that [Port.Watch] returns.
type Front interface {
	// Heard returns when the latest packet of a session came; false if the session has
	// ended.
	Heard(session uint32) (time.Duration, bool)
	// SendSOL sends a packet or loses it.
	SendSOL(console.Packet)
	// Wake has Serve called soon. Any goroutine may call it.
	Wake()
}

// A Port is the serial port of the managed machine.
type Port struct {
	Config
	line *console.Line // nil: the console was never opened
	file *file

	front    Front
	served   bool     // Serve was called: only then does the front wait for a script of an earlier process
	terminal Terminal // the script that runs; nil: none
	began    time.Duration
	changing bool          // a worker starts or ends the script
	retry    time.Duration // not before that is the script run again
	pause    time.Duration // before the next retry
	unused   time.Duration // when the last client left
	blocked  bool          // the script does not read what is typed
	unable   bool          // the file could not be written, which was logged
	noBreak  bool          // it was logged that the provider has no script for a break
	failure  string        // why the script could not be started, which was logged
}

// Open makes the port of what an earlier process has left. Now is the time, which
// Config.Now need not know yet. Without its file there is no console until a client opens
// one, but there is a BMC.
func Open(c Config, now time.Duration) *Port {
	p := &Port{Config: c, unused: now, pause: firstPause}
	if err := p.openLine(now); err != nil {
		p.Log.Error("console lost", "err", err)
	}
	if c.Always {
		if err := p.newLine(); err != nil {
			p.Log.Error("console not logged", "err", err)
		}
	}
	if c.Kept != nil {
		p.adopt(c.Kept, now)
	} else if p.line != nil {
		p.line.Disconnect()
	}
	return p
}

// adopt takes over a script that an earlier process has started.
func (p *Port) adopt(t Terminal, now time.Duration) {
	if err := p.newLine(); err != nil {
		p.Log.Error("console script ended", "err", err)
		t.End()
		return
	}
	p.connected(t, now)
}

// Attach sets the front. It must be called before any other method.
func (p *Port) Attach(f Front) { p.front = f }

// heard implements [console.Line.Heard].
func (p *Port) heard(session uint32) time.Duration {
	at, _ := p.front.Heard(session)
	return at
}

// SetSettings changes what clients can change of the settings of the line.
func (p *Port) SetSettings(s console.Settings) {
	s.Replay = p.Settings.Replay
	p.Settings = s
	if p.line != nil {
		p.line.Settings = s
	}
}

// Activate opens the console for a client.
func (p *Port) Activate(instance int, c console.Client) (console.Refusal, error) {
	if err := p.newLine(); err != nil {
		p.Log.Error("console not opened", "err", err)
		return 0, err
	}
	before, taken := p.owner(instance)
	refusal := p.line.Activate(instance, c, p.Now())
	if refusal == console.Granted && !(taken && before.Session == c.Session) {
		if taken {
			p.logClosed("console closed: taken over from a client that is silent", before, "by", c.User, "by_peer", c.Peer)
		}
		p.Log.Info("console opened", "instance", instance, "user", c.User, "peer", c.Peer, event.ConsoleOpen.Attr())
	}
	p.supervise(p.Now())
	p.front.Wake()
	return refusal, nil
}

// Deactivate closes an instance on behalf of a session. It returns false if the instance
// is not open.
func (p *Port) Deactivate(instance int, by console.Client) bool {
	owner, open := p.owner(instance)
	if !open || !p.line.Deactivate(instance, by, p.Now()) {
		return false
	}
	if owner.Session == by.Session {
		p.logClosed("console closed", owner)
	} else {
		p.logClosed("console closed by another client", owner, "by", by.User, "by_peer", by.Peer)
	}
	p.front.Wake()
	return true
}

// logClosed logs that a client no longer has an instance, and how long it had it.
func (p *Port) logClosed(message string, was console.Payload, more ...any) {
	about := []any{
		"instance", was.Instance, "user", was.User, "peer", was.Peer, "after", (p.Now() - was.Since).Round(time.Second),
		event.ConsoleEnd.Attr(),
	}
	p.Log.Info(message, append(about, more...)...)
}

func (p *Port) owner(instance int) (console.Payload, bool) {
	for payload := range p.Payloads() {
		if payload.Instance == instance {
			return payload, true
		}
	}
	return console.Payload{}, false
}

// Payloads yields the payloads that are active.
func (p *Port) Payloads() iter.Seq[console.Payload] {
	if p.line == nil {
		return func(func(console.Payload) bool) {}
	}
	return p.line.Payloads()
}

// Receive takes a packet of a session. The sequence is that of the datagram. The caller
// calls Serve then.
func (p *Port) Receive(session, sequence uint32, packet rmcp.SOL) error {
	if err := p.newLine(); err != nil {
		return err
	}
	p.line.Receive(session, sequence, packet, p.Now())
	return nil
}

// MachineStarted has a script that has ended run again at once.
func (p *Port) MachineStarted() {
	p.retry, p.pause = 0, firstPause
	if p.line != nil {
		p.front.Wake()
	}
}

// Serve moves characters between clients and script, and does what is due. Only the
// goroutine that waits for the descriptor of [Port.Watch] may call it, because Serve has
// the descriptor closed.
func (p *Port) Serve() {
	if p.line == nil {
		return
	}
	p.served = true
	now := p.Now()
	p.leave()
	for range maxRounds {
		read := p.read(now)
		p.flush(now)
		if !read {
			break
		}
	}
	p.supervise(now)
}

// leave closes what sessions have open that have ended.
func (p *Port) leave() {
	for _, session := range p.line.Sessions() {
		if _, alive := p.front.Heard(session); alive {
			continue
		}
		for payload := range p.line.Payloads() {
			if payload.Session == session {
				p.logClosed("console closed: session ended", payload)
			}
		}
		p.line.Leave(session)
	}
}

// read takes what the script has printed, and returns false if that was nothing.
func (p *Port) read(now time.Duration) bool {
	if p.terminal == nil {
		return false
	}
	room := p.line.Room()
	if len(room) == 0 {
		return false
	}
	n, err := p.terminal.Read(room)
	switch {
	case n > 0:
		p.line.Printed(n, now)
		return true
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case errors.Is(err, io.EOF):
		p.end(now, true)
	default:
		p.Log.Error("console script cannot be read", "err", err)
		p.end(now, true)
	}
	return false
}

// flush saves the line, then sends packets and types characters, until there is nothing
// left to do.
func (p *Port) flush(now time.Duration) {
	for more := true; more; {
		if page := p.line.Unsaved(now); page != nil {
			if err := p.file.save(page); err != nil {
				if !p.unable {
					p.Log.Error("console stopped: its file cannot be written", "err", err)
				}
				p.unable = true
				return
			}
			p.unable = false
			p.line.Saved()
		}
		more = false
		for _, packet := range p.line.Packets(now) {
			p.front.SendSOL(packet)
			more = true
		}
		more = p.typeInto(now) || more
		if p.line.Break() {
			p.sendBreak()
		}
	}
}

// typeInto has the script read what was typed, and returns false if that was nothing.
func (p *Port) typeInto(now time.Duration) bool {
	p.blocked = false
	if p.terminal == nil {
		return false
	}
	typed := p.line.Typed()
	if len(typed) == 0 {
		return false
	}
	n, err := p.terminal.Write(typed)
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
		n = len(typed) // the script has closed its terminal, which read will notice
	}
	if n < len(typed) {
		p.line.Untyped(len(typed) - n)
		p.blocked = true
	}
	return n == len(typed)
}

// Watch returns the descriptor to wait for, and the events of poll(2). The descriptor is
// -1 if there is nothing to wait for.
func (p *Port) Watch() (fd int, events int16) {
	if p.line == nil || p.terminal == nil {
		return -1, 0
	}
	if len(p.line.Room()) > 0 {
		events |= unix.POLLIN
	}
	if p.blocked {
		events |= unix.POLLOUT
	}
	if events == 0 { // poll(2) reports the end of the script in any case
		return -1, 0
	}
	return p.terminal.Fd(), events
}

// Due returns when Serve has something to do, if nothing comes before.
func (p *Port) Due(never time.Duration) time.Duration {
	switch {
	case p.line == nil:
		return never
	case !p.served:
		return 0
	}
	due := p.line.Due(never)
	for payload := range p.line.Payloads() {
		due = min(due, p.heard(payload.Session)+p.Expires)
	}
	switch {
	case p.changing:
	case p.terminal == nil && p.needed():
		due = min(due, p.retry)
	case p.terminal != nil && !p.needed():
		due = min(due, p.unused+keepScript)
	}
	return due
}

// NeededUntil is how long the process must stay for the port.
func (p *Port) NeededUntil() time.Duration {
	if p.line == nil || !p.needed() && p.terminal == nil && !p.changing {
		return 0
	}
	return p.Now() + stayFor
}

// needed reports whether the script is to run.
func (p *Port) needed() bool {
	return p.Always || p.line.Open()
}
