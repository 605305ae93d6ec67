package console

import (
	"iter"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Instances is how many clients can have the console open at the same time. Instance 1
// types. Instances 2 to 4 watch: what they type is accepted and dropped.
const Instances = 4

// Settings are what the administrator or a client (Set SOL Configuration Parameters) has
// set. They may change at any time.
type Settings struct {
	// Replay sends the last screenful to a client that activates, followed by a mark.
	Replay bool
	// Accumulate is the longest time that output waits for more output (parameter 3).
	Accumulate time.Duration
	// Threshold is how many characters are sent without waiting (parameter 3).
	Threshold int
	// RetryInterval is the time after which a packet is repeated (parameter 4).
	RetryInterval time.Duration
	// Retries is how often a packet is repeated at RetryInterval. It is then repeated
	// more slowly, until the payload ends (parameter 4).
	Retries int
}

// DefaultSettings are those of a BMC on which nobody has set any.
var DefaultSettings = Settings{
	Replay:        true,
	Accumulate:    60 * time.Millisecond,
	Threshold:     rmcp.MaxCharacters,
	RetryInterval: 500 * time.Millisecond,
	Retries:       7,
}

// A Client is a session that has the console open.
type Client struct {
	Session uint32         // session ID of the BMC
	User    string         // at most 16 bytes, as in RAKP Message 1
	Peer    netip.AddrPort // where the session was when it activated
	Local   netip.AddrPort // what it sent its request to
}

// A Payload is the console as one client has it open.
type Payload struct {
	Client
	Instance int
	Since    time.Duration
}

// The sizes of what outlives the process, in bytes.
const (
	SavedLen   = 4096 // one page, so that a killed process has written all of it or nothing
	StorageLen = 4096 + 64<<10 + 64<<10
)

// A Refusal is why a payload cannot be activated. The zero value means that it can.
type Refusal int

// The refusals of [Line.Activate].
const (
	Granted  Refusal = iota
	Occupied         // another session has this instance: completion code 80h
	OnlyOne          // the session has another instance already: completion code 82h
)

// A Line is the console line of one BMC.
type Line struct {
	Settings

	// Heard returns when the latest authentic packet of a session came. It must be set
	// before the first call.
	Heard func(session uint32) time.Duration
}

// New returns a line that nobody has open. The storage has StorageLen bytes and is
// emptied.
func New(storage []byte, settings Settings) *Line { panic("not written yet") }

// Restore returns the line of an earlier process: saved is what [Line.Unsaved] returned
// last, storage the storage of that process. The caller then calls [Line.Connect] if the
// script of that process still runs, and [Line.Leave] for each session that has ended.
//
// The error says why nothing can be restored. The caller then calls [New].
func Restore(saved, storage []byte, settings Settings, now time.Duration) (*Line, error) { panic("not written yet") }

// Activate opens the console for a client. A client that has the instance already goes on
// as before, because it may have sent its request twice. An owner that was not heard of
// for 35 s loses the console to the new client.
func (l *Line) Activate(instance int, c Client, now time.Duration) Refusal { panic("not written yet") }

// Deactivate closes an instance on behalf of a session, which may be another one than the
// one that has it open. It returns false if nobody has it open.
func (l *Line) Deactivate(instance int, by Client, now time.Duration) bool { panic("not written yet") }

// Leave closes what a session has open: the session has ended.
func (l *Line) Leave(session uint32) { panic("not written yet") }

// Payloads yields the payloads that are active.
func (l *Line) Payloads() iter.Seq[Payload] { panic("not written yet") }

// Open reports whether a client has the console open, or has still to be told that it has
// not.
func (l *Line) Open() bool { panic("not written yet") }

// Receive takes a packet of a session. The sequence is the session sequence number of
// the datagram: a packet that was overtaken by a later one is dropped, because its
// characters were typed already.
func (l *Line) Receive(session, sequence uint32, p rmcp.SOL, now time.Duration) { panic("not written yet") }

// Connect reports that a script runs from now on, and takes what is typed.
func (l *Line) Connect(now time.Duration) { panic("not written yet") }

// Disconnect reports that no script runs any more. Until the next Connect, what is typed
// is accepted and dropped.
func (l *Line) Disconnect(now time.Duration) { panic("not written yet") }

// Room returns the part of the storage into which the next output of the script is to be
// read: read(terminal, Room()). It is empty while the client that types has not
// acknowledged a full ring. The script then blocks.
func (l *Line) Room() []byte { panic("not written yet") }

// Printed reports that the script printed the first n bytes of Room.
func (l *Line) Printed(n int, now time.Duration) { panic("not written yet") }

// Print adds a line of the BMC's own to the output, such as "[console: exit status 1]".
func (l *Line) Print(text string, now time.Duration) { panic("not written yet") }

// Log returns the output in the ring, oldest first, as two parts.
func (l *Line) Log() [2][]byte { panic("not written yet") }

// Unsaved decides what is to be sent, and returns what must be on disk before packets are
// sent or characters are typed. It returns nil if that is on disk already. The slice has
// SavedLen bytes and is valid until the next call. The caller writes it in one piece and
// calls Saved. Until then, Packets, Typed and Break return nothing.
func (l *Line) Unsaved(now time.Duration) []byte { panic("not written yet") }

// Saved reports that what Unsaved returned is on disk.
func (l *Line) Saved() { panic("not written yet") }

// Packets returns what Unsaved decided to send. A packet that cannot be sent is repeated
// like a lost one. The slice is valid until the next call.
func (l *Line) Packets(now time.Duration) []Packet { panic("not written yet") }

// A Packet is a SOL packet to send.
type Packet struct {
	Session uint32 // session ID of the BMC
	rmcp.SOL
}

// Typed returns the next characters for the script's terminal, at most 255. They count as
// typed from then on. The caller gives back what the terminal did not take to Untyped.
func (l *Line) Typed() []byte { panic("not written yet") }

// Untyped takes back the last n of the characters that Typed returned.
func (l *Line) Untyped(n int, now time.Duration) { panic("not written yet") }

// Break reports, once, whether a break is to be sent to the script.
func (l *Line) Break() bool { panic("not written yet") }

// Expire does what is due.
func (l *Line) Expire(now time.Duration) { panic("not written yet") }

// Due returns when [Line.Expire] and then [Line.Packets] have something to do; never if
// they have not.
func (l *Line) Due(never time.Duration) time.Duration { panic("not written yet") }
