package lan

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
)

// A network is where datagrams come from and answers go to: [Sockets].
type network interface {
	// receive waits for a datagram, but not longer than that, nor after a call of wake. It
	// reports whether one has come that can be answered.
	receive(d *datagram, wait time.Duration) (bool, error)
	// send writes an answer, or loses it, and never waits.
	send(to *address, b []byte) error
	// wake ends a receive that waits, or the next one. Any goroutine may call it.
	wake()
	// watch has receive return too when one of the events of poll(2) is there for a
	// descriptor; none if fd is -1. Only the goroutine that receives may call it.
	watch(fd int, events int16)
	// way returns where to send to a peer from an address of ours.
	way(peer, local netip.AddrPort) address
}

// A Server is the front of IPMI over LAN.
type Server struct {
	network  network
	bmc      *bmc.BMC
	sessions *session.Table
	ipmi     *ipmi.BMC
	serial   serialClients
	log      *slog.Logger

	received bool     // datagram holds one
	datagram datagram // that came last
	limits   *limits
	answers  answers
	message  []byte  // scratch for answers
	out      []byte  // scratch for datagrams
	to       address // where out goes
}

// NewServer returns the front for a BMC. It sets what commands needs of the BMC: Sessions,
// Running and Console.
func NewServer(sockets *Sockets, b *bmc.BMC, sessions *session.Table, commands *ipmi.BMC, port *serial.Port) *Server {
	return newServer(sockets, b, sessions, commands, port)
}

func newServer(n network, b *bmc.BMC, sessions *session.Table, commands *ipmi.BMC, port *serial.Port) *Server {
	s := &Server{
		network: n, bmc: b, sessions: sessions, ipmi: commands, log: b.Log,
		serial: serialClients{port: port, ways: make(map[uint32]address)},
		limits: newLimits(), answers: newAnswers(),
	}
	port.Attach(s)
	commands.Console = port
	commands.Sessions = s
	commands.Running = b.Jobs.Acting
	return s
}

// Wait implements [bmc.Front].
func (s *Server) Wait(d time.Duration) (err error) {
	s.received, err = s.network.receive(&s.datagram, d)
	return err
}

// Serve implements [bmc.Front].
func (s *Server) Serve() {
	if s.received {
		s.received = false
		s.route(&s.datagram)
	}
	s.serial.port.Serve()
	s.network.watch(s.serial.port.Watch())
}

// Wake implements [bmc.Front].
func (s *Server) Wake() { s.network.wake() }

// NeededUntil implements [bmc.Front]. A key exchange needs the process, if only to log why
// the exchange failed. So does a client that has failed to log in: the next process would let
// it begin anew.
func (s *Server) NeededUntil() time.Duration {
	now := s.bmc.Uptime()
	if s.sessions.HalfOpen(now) || s.sessions.BacksOff(now) {
		return max(now+time.Second, s.serial.port.NeededUntil())
	}
	return s.serial.port.NeededUntil()
}

// Due implements [bmc.Front].
func (s *Server) Due(never time.Duration) time.Duration { return s.serial.port.Due(never) }

// MachineStarted implements [bmc.Front].
func (s *Server) MachineStarted() { s.serial.port.MachineStarted() }

// Sessions implements [bmc.Front].
func (s *Server) Sessions() int { return s.sessions.Active(s.bmc.Uptime()) }

// EndSessions ends sessions because another front has changed their user.
func (s *Server) EndSessions(ids []uint32, by string) {
	for _, id := range ids {
		s.end(id, &request{user: by})
	}
}

// EndAllSessions ends all sessions because another front restarts the BMC.
func (s *Server) EndAllSessions(by string) {
	for _, session := range s.List() {
		s.end(session.ID, &request{user: by})
	}
}

// List implements [ipmi.Sessions].
func (s *Server) List() []ipmi.Session {
	var all []ipmi.Session
	for sess := range s.sessions.All(s.bmc.Uptime()) {
		all = append(all, viewOf(sess))
	}
	return all
}

func viewOf(s *session.Session) ipmi.Session {
	return ipmi.Session{
		ID:        s.ID(),
		Handle:    s.Handle(),
		UserID:    s.User().ID,
		User:      s.User().Name,
		Privilege: s.Privilege,
		Limit:     s.Limit,
		Peer:      s.Peer,
	}
}
