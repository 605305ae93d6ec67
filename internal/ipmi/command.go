package ipmi

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A Lane says what a command may cost, and so where it waits.
type Lane byte

const (
	// Inline commands are answered at once, and again when they arrive again.
	Inline Lane = iota
	// Change commands change the BMC at once. A request must not do so twice,
	// however often it arrives.
	Change
	// Append commands are Change commands of which two alike in a row are two,
	// unless they have the same request sequence number.
	Append
	// Query commands may ask the provider for what changes nothing: what it can do, or a script.
	Query
	// Action commands may run a script that changes the managed system. A
	// request must not run it twice, however often it arrives.
	Action
)

// A Command is one row of the table of commands.
type Command struct {
	NetFn     rmcp.NetFn
	Cmd       byte
	Section   string         // of the specification
	Privilege rmcp.Privilege // the least; rmcp.Anyone outside a session too
	Lane      Lane
	MinLen    int // of the request's data in bytes
	MaxLen    int
	Name      string
	handle    func(*BMC, *Request) Answer
}

// A Request is a LAN message with what handlers need to know beside it.
type Request struct {
	rmcp.Request
	Session Session // zero outside a session
	// Sequence is the number of its packet in the session; 0: the request need not be
	// remembered.
	Sequence uint32
	Now      time.Duration  // since the boot of the host
	Time     time.Time      // of day
	Cause    Cause          // of a start; if unknown, that a console asked for it
	Local    netip.AddrPort // what was asked; its address is not valid if not known
}

// An Answer is a response, or the script without which there is none yet.
type Answer struct {
	Code   Code
	Data   []byte // empty unless Code is OK
	Script *Script
	// Undone tells that nothing was done, and that it may be tried again.
	Undone bool
	// Ends lists the sessions that end once the answer has left.
	Ends []uint32
}

// A Script is a provider's script that a request needs.
type Script struct {
	Verb  provider.Verb
	Boot  provider.Boot  // the boot device to set, or in force
	Light provider.Light // of provider.Identify
	// Accept tells that a console need not wait for the end: that it began is
	// answer enough.
	Accept bool
	// Then completes the answer.
	Then func(Result) Answer
}

// A Result is what came of a script.
type Result struct {
	On     bool            // of provider.Status
	Device provider.Device // of provider.BootGet
	FRU    provider.FRU    // of provider.FRUGet
	Err    error
	Time   time.Time // of day when it ended
}

func done(data ...byte) Answer { return Answer{Data: data} }

func reply(c Code) Answer { return Answer{Code: c} }

// Handle looks the request up in the table of commands and runs its handler,
// after the checks that are the same for all, in the order that the
// specification gives. Command is nil where there is no such command.
func (b *BMC) Handle(r *Request) (*Command, Answer) {
	c := Lookup(r.Request)
	switch {
	case r.RsLUN != 0:
		return c, reply(InvalidForLUN)
	case c == nil:
		return nil, reply(InvalidCommand)
	case r.Session.Privilege < c.Privilege:
		return c, reply(InsufficientPrivilege)
	case len(r.Data) < c.MinLen || len(r.Data) > c.MaxLen:
		return c, reply(InvalidLength)
	}
	return c, c.handle(b, r)
}

// Resume is Handle for the request of an action that began before: what follows its
// script does not depend on what the provider can do now. What is no action of ours
// is not done.
func (b *BMC) Resume(r *Request) (*Command, Answer) {
	if c := Lookup(r.Request); c == nil || c.Lane != Action {
		return c, reply(InvalidCommand)
	}
	b.resuming = true
	defer func() { b.resuming = false }()
	return b.Handle(r)
}

// Sessionless tells whether the request is answered outside a session. That there
// are no sessions of IPMI 1.5 a console is told at once.
func Sessionless(r rmcp.Request) bool {
	c := Lookup(r)
	return c != nil && c.Privilege == rmcp.Anyone || r.NetFn == app && r.Cmd == getSessionChallenge
}

const getSessionChallenge = 0x39 // IPMI 2.0 §22.16

// Lookup returns the command that a request asks for, or nil. Those of the group
// extension belong to whom the first byte of the data tells.
func Lookup(r rmcp.Request) *Command {
	if r.NetFn == group && !bytes.HasPrefix(r.Data, []byte{dcmiBody}) {
		return nil
	}
	for i := range Commands {
		if c := &Commands[i]; c.NetFn == r.NetFn && c.Cmd == r.Cmd {
			return c
		}
	}
	return nil
}

// ClosesSession tells whether the request is Close Session.
func ClosesSession(r rmcp.Request) bool { return r.NetFn == app && r.Cmd == 0x3C }
