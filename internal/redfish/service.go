package redfish

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Service is what the handlers read and change. It is not safe for concurrent use.
type Service struct {
	Identity
	Machine  *machine.Machine
	Sessions Sessions
	Users    Users
	Tasks    Tasks
	// Acting reports whether an action runs or waits.
	Acting func() bool
	// Images says which URLs of images are allowed.
	Images media.Rule
	// WithLogin keeps the login of the server of an image until the image has been inserted.
	// The intent with the returned image must be submitted at once.
	WithLogin func(image machine.Media, user, password string) (machine.Media, error)
	// Record lays an entry of the event log out as IPMI does (§32).
	Record func(machine.Entry) []byte
	// LAN describes the interface of the host that has an address. It asks the kernel, so it
	// is called from [Answer.Later] only.
	LAN func(netip.Addr) LAN
	// BMCs lists the names of the BMCs of a host in their order. nil: this is the service of one BMC, and not the gateway
	// of the host.
	BMCs func() []string
	Log  *slog.Logger

	inventory *provider.FRU // as last read; nil: not yet
}

// An Identity has the facts that a service reports about itself.
type Identity struct {
	Name        string // of the BMC: the Id of its system, manager and chassis
	Version     string // of the program
	UUID        string // of the managed system, in canonical text
	ManagerUUID string
	HostName    string         // of the host; empty if not known
	FQDN        string         // the same
	HTTPS       netip.AddrPort // the first address that the service listens on; not valid if only the gateway reaches it
	IPMI        netip.AddrPort // the same of IPMI over LAN; not valid if there is none
}

// A LAN is a network interface of the host. A field is zero if it is not known.
type LAN struct {
	Prefix  netip.Prefix // the address, with the length of its network's prefix
	MAC     [6]byte
	Gateway netip.Addr
}

// A Session is a Redfish session.
type Session struct {
	ID      string
	User    string
	Peer    netip.AddrPort
	Created time.Time
}

// Sessions is what the handlers need of the table of sessions.
type Sessions interface {
	// Login checks a name and a password and opens a session. Token is the X-Auth-Token.
	// Refused is the answer if there is no session.
	Login(name, password string, from netip.AddrPort) (s Session, token string, refused *Answer)
	List() []Session
	// End ends a session, and returns false if there is none with that ID.
	End(id string) bool
	Timeout() time.Duration
	SetTimeout(time.Duration)
}

// Users is what the handlers need of the credentials.
type Users interface {
	// Credentials returns the credentials that are in force.
	Credentials() instance.Credentials
	// Change applies change to the credentials in their file. If change returns an error,
	// Change returns it, and the file stays as it was. Change takes a lock file and writes to
	// the disk, so it is called from [Answer.Later] only; the owner of the BMC then calls
	// apply: the changed credentials take effect, and the IPMI sessions with the returned IDs
	// must end.
	Change(change func(*instance.Credentials) error) (apply func() (ends []uint32), err error)
}

// A Task is an action that a client was told of before it ended.
type Task struct {
	ID      string          `json:"id"`
	Verb    provider.Verb   `json:"verb"`
	Method  string          `json:"method"` // of the request
	Path    string          `json:"path"`
	User    string          `json:"user"`
	Began   time.Time       `json:"began"`
	Ended   time.Time       `json:"ended,omitzero"`
	Outcome machine.Outcome `json:"outcome,omitempty"` // empty while the action runs or waits
	// Running is set while the script runs; it is not kept.
	Running bool `json:"-"`
}

// Tasks is what the handlers need of the tasks.
type Tasks interface {
	// List returns the tasks, the oldest first.
	List() []Task
}
