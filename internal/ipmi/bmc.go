package ipmi

import (
	"log/slog"
	"net/netip"
	"reflect"
	"slices"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A BMC is what the handlers read and change. It is not safe for concurrent
// use.
type BMC struct {
	Identity
	State    State
	Sessions Sessions
	Users    Users
	// Provider returns the scripts as they were when the request came, or why there are
	// none. Only commands of the lanes Query and Action may ask.
	Provider func() (*provider.Provider, error)
	// Running tells whether an action runs.
	Running func() bool
	// LAN finds the interface that has an address.
	LAN func(netip.Addr) LAN
	// Save makes the state outlast the process.
	Save func(State) error
	Log  *slog.Logger
	// FRU is the inventory as far as the provider does not know it.
	FRU provider.FRU

	resuming      bool   // see Resume
	setInProgress uint32 // ID of the session that is writing boot options, or 0
	sdrReserved   reservation
	inventory     []byte // FRU data as last read; nil: not yet
}

// An Identity is what a BMC says of itself.
type Identity struct {
	Name       string   // of the BMC
	Version    string   // of the program
	GUID       [16]byte // of the managed system, in the order in which it is sent
	DeviceGUID [16]byte // of the BMC
	Firmware   [2]byte  // revision: major, minor
	HostBoot   string   // another one each time the host is booted
	Suites     []rmcp.Suite
	KgSet      bool // consoles must know a BMC key
}

// A Session is a session as the handlers see it. The caller carries a change of
// Privilege over.
type Session struct {
	ID        uint32
	Handle    byte
	UserID    byte
	User      string
	Privilege rmcp.Privilege
	Limit     rmcp.Privilege
	Peer      netip.AddrPort
}

// Sessions is what the session commands need of the table of sessions.
type Sessions interface {
	// List returns the active sessions in the order of their handles.
	List() []Session
}

// Users is what the user commands need of those who keep the credentials.
type Users interface {
	// Credentials returns those that count now.
	Credentials() instance.Credentials
	// Change lets change work on the credentials as they are kept. When change
	// returns an error, that is the error, and everything stays as it was; else the
	// result counts from now on, and the sessions with the returned IDs must end.
	Change(change func(*instance.Credentials) error) (ends []uint32, err error)
}

// update changes the state, unless it cannot be saved.
func (b *BMC) update(change func(*State)) Code {
	s := b.State
	change(&s)
	if reflect.DeepEqual(s, b.State) {
		return OK
	}
	if err := b.Save(s); err != nil {
		b.Log.Error("state not saved", "err", err)
		return Unspecified
	}
	b.State = s
	return OK
}

// change changes the state as a request of the lanes Change and Append has it, and
// answers with the data that change returns. They are saved in one.
func (b *BMC) change(r *Request, change func(*State) []byte) Answer {
	var data []byte
	code := b.update(func(s *State) {
		data = change(s)
		if r.Sequence != 0 {
			request := r.Request
			request.Data = slices.Clone(r.Data) // it is the datagram's
			s.Changed = Changed{r.Session.ID, r.Sequence, request, data, r.Now}
		}
	})
	if code != OK {
		return reply(code)
	}
	return done(data...)
}
