package ipmi

import (
	"iter"
	"log/slog"
	"net/netip"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A BMC is what the handlers read and change. It is not safe for concurrent use.
type BMC struct {
	Identity
	Machine  *machine.Machine
	Sessions Sessions
	Users    Users
	// Console is used only if the provider has a console script.
	Console Console
	// Running reports whether an action runs or waits.
	Running func() bool
	// LAN describes the interface of the host that has an address. It asks the kernel,
	// so it is called from [Answer.Later] only.
	LAN func(netip.Addr) LAN
	// Listens are the addresses of the sockets for IPMI.
	Listens []netip.Addr
	// Advertise is where clients reach the BMC if not at its socket. Each part may be zero.
	Advertise netip.AddrPort
	// Reservations are those that clients hold, also from an earlier process.
	Reservations Reservations
	// KeepReservations is called when Reservations have changed.
	KeepReservations func(Reservations)
	// System is what the guest has set and what waits for it, also from an earlier process.
	System SystemInterface
	// Provided reads the IPMI commands that the provider defines. It reads files, so it is called from [Answer.Later] only.
	// nil: there are none.
	Provided func() ([]provider.IPMICommand, error)
	// KeepSystem is called when System has changed.
	KeepSystem func(SystemInterface)
	Log        *slog.Logger

	setInProgress uint32        // ID of the session that is writing boot options, or 0
	inventory     *provider.FRU // as last read; nil: not yet
	repository    repository
}

// An Identity has the facts that a BMC reports about itself.
type Identity struct {
	Name       string   // of the BMC
	Version    string   // of the program
	GUID       [16]byte // of the managed system, in the order in which it is sent
	DeviceGUID [16]byte // of the BMC
	Firmware   [2]byte  // revision: major, minor
	Suites     []rmcp.Suite
	KgSet      bool // a client needs the BMC key to log in
}

// A Session is a session as the handlers see it. The caller copies a change of
// Privilege to the session's record.
type Session struct {
	ID        uint32
	Handle    byte
	UserID    byte
	User      string
	Privilege rmcp.Privilege
	Limit     rmcp.Privilege
	Peer      netip.AddrPort
}

// from is where the client is, for the log: nowhere if it is the guest.
func (s Session) from() []any {
	if !s.Peer.IsValid() {
		return nil
	}
	return []any{"peer", s.Peer}
}

// Sessions is what the session commands need of the table of sessions.
type Sessions interface {
	// List returns the active sessions in the order of their handles.
	List() []Session
}

// Console is what the payload commands need of the serial port.
type Console interface {
	// Activate opens an instance of the console. An error means that it cannot be opened
	// for want of space.
	Activate(instance int, c console.Client) (console.Refusal, error)
	// Deactivate closes an instance, and returns false if it was not open.
	Deactivate(instance int, by console.Client) bool
	// Payloads yields the instances that are open.
	Payloads() iter.Seq[console.Payload]
	SetSettings(console.Settings)
}

// Users is what the user commands need of the credentials.
type Users interface {
	// Credentials returns the credentials that are in force.
	Credentials() instance.Credentials
	// Change applies change to the credentials in their file. If change returns an
	// error, Change returns it, and the file stays as it was. Change takes a lock file
	// and writes to the disk, so it is called from [Answer.Later] only; the owner of the
	// BMC then calls apply: the changed credentials take effect, and the sessions with
	// the returned IDs must end.
	Change(change func(*instance.Credentials) error) (apply func() (ends []uint32), err error)
}
