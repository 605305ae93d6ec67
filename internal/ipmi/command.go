package ipmi

import (
	"bytes"
	"hash/fnv"
	"net/netip"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A Lane says what a command costs, and what happens to a retransmission.
type Lane byte

const (
	// Inline commands need no script. A retransmission is handled again: it reads the
	// same, or it sets the same.
	Inline Lane = iota
	// Once commands need no script either, but a retransmission must not be handled
	// again: the client gets the first answer again.
	Once
	// Query commands may run a script that changes nothing. A retransmission is handled
	// again.
	Query
	// Action commands may run a script that changes the managed system. A
	// retransmission must not run the script again.
	Action
)

// A Command is one row of the table of commands.
type Command struct {
	NetFn     rmcp.NetFn
	Cmd       byte
	Section   string         // of the specification
	Privilege rmcp.Privilege // the least; rmcp.Anyone also outside a session
	Lane      Lane
	MinLen    int // of the request's data in bytes
	MaxLen    int
	Name      string
	handle    func(*BMC, *Request) Answer
}

// A Request is a message with what handlers need to know beside it.
type Request struct {
	rmcp.Request
	// System is set if the request comes from the guest, over the system interface (§6.3).
	System  bool
	Session Session        // zero outside a session; for the guest, see [GuestSession]
	Now     machine.Moment // when the request came
	Local   netip.AddrPort // to which the request was sent; not valid if that is not known
}

// An Answer is a response, or what must be done before there is one.
type Answer struct {
	Code Code
	Data []byte // empty unless Code is OK
	// Ends lists the sessions that end once the answer has left.
	Ends []uint32
	// Stored is set if the answer must wait until the state of the machine has been
	// saved, and is Unspecified if the state cannot be saved. For an Intent, see Durable of
	// [machine.Script].
	Stored bool
	// Intent is an action that must run. Its outcome is the answer, see [Respond].
	Intent *machine.Intent
	// Question must be asked, and completes the answer.
	Question *Question
	// Sensors completes the answer once [machine.State.Sensors] are those of the provider.
	// No script runs.
	Sensors func() Answer
	// Later does work that may take long: it takes a lock file or asks the kernel. It
	// runs without any lock, and uses neither the BMC nor the Machine. It returns the
	// function that completes the answer, which may use both.
	Later func() func() Answer
}

// A Question is a question to the managed system, for a script of the provider that
// changes nothing.
type Question struct {
	Verb provider.Verb
	Args provider.Args
	// Then completes the answer with what the script said and when it ended. Nothing is
	// set in a reading if the provider has no such script.
	Then func(machine.Reading, machine.Moment) Answer
}

func done(data ...byte) Answer { return Answer{Data: data} }

func reply(c Code) Answer { return Answer{Code: c} }

// stored is the answer of a command that has set something.
func stored(data ...byte) Answer { return Answer{Data: data, Stored: true} }

// Handle finds the command of a request in the table and runs its handler, after the
// checks that are the same for all commands, in the order of the specification. The
// command is nil if there is none. Handle is called once for each request. The answer
// does not refer to the data of the request, so the caller may reuse its buffer.
func (b *BMC) Handle(r *Request) (*Command, Answer) {
	c := r.Command()
	switch {
	case r.RsLUN != 0:
		return c, reply(InvalidForLUN)
	case c == nil:
		return nil, reply(InvalidCommand)
	case r.Session.Privilege < c.Privilege:
		return c, reply(InsufficientPrivilege)
	case len(r.Data) < c.MinLen || len(r.Data) > c.MaxLen:
		return c, reply(InvalidLength)
	case r.System && c.needsSession():
		return c, reply(NotInPresentState)
	}
	return c, c.handle(b, r)
}

// Command returns the command of the request, or nil.
func (r *Request) Command() *Command {
	if r.System {
		if c := find(SystemCommands, r.Request); c != nil {
			return c
		}
	}
	return Lookup(r.Request)
}

// Sessionless reports whether the request is answered outside a session. Get Session
// Challenge is: a client of IPMI 1.5 learns at once that it cannot log in.
func Sessionless(r rmcp.Request) bool {
	c := Lookup(r)
	return c != nil && c.Privilege == rmcp.Anyone || r.NetFn == app && r.Cmd == getSessionChallenge
}

const getSessionChallenge = 0x39 // IPMI 2.0 §22.16

// Lookup returns the command of a request that comes over LAN, or nil. In the group extension,
// the first byte of the data names the body that defines the command.
func Lookup(r rmcp.Request) *Command {
	var c *Command
	if r.NetFn != group || bytes.HasPrefix(r.Data, []byte{dcmiBody}) {
		c = find(Commands, r)
	}
	if c == nil && provider.MayDefine(byte(r.NetFn)) {
		return &providerCommand
	}
	return c
}

func find(all []Command, r rmcp.Request) *Command {
	for i := range all {
		if c := &all[i]; c.NetFn == r.NetFn && c.Cmd == r.Cmd {
			return c
		}
	}
	return nil
}

// ByRqSeq reports whether a request with the same content but another request
// sequence number is a new request: it adds another entry to the event log.
func (c *Command) ByRqSeq() bool {
	return c.NetFn == storage && c.Cmd == addSELEntryCmd || c.NetFn == sensing && c.Cmd == platformEventCmd
}

// needsSession reports whether the command is about the session of its request. The guest has
// none.
func (c *Command) needsSession() bool {
	return c.NetFn == app && (c.Cmd == 0x3B || c.Cmd == 0x3C || c.Cmd == 0x48)
}

// ClosesSession reports whether the request is Close Session.
func ClosesSession(r rmcp.Request) bool { return r.NetFn == app && r.Cmd == 0x3C }

// Key is a hash of the content of a request. Requests with the same content have the same
// key, also in another process.
func Key(r rmcp.Request) uint64 {
	h := fnv.New64a()
	h.Write([]byte{r.RsLUN, byte(r.NetFn), r.Cmd})
	h.Write(r.Data)
	return h.Sum64()
}
