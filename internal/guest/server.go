package guest

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// AnswerTime is after how long a request is answered, with or without its outcome. After 4 s
// QEMU would tell the guest that there is no answer, and drop the one that comes.
const AnswerTime = 3500 * time.Millisecond

const (
	// user is the name of the guest in logs and action files.
	user = "guest"
	// via is what an action file says of a client of this front.
	via = "in-band"
	// maxConnections is how many programs may be connected. Two are while a guest moves from
	// one to the other on the same host.
	maxConnections = 2
)

// A Store keeps connections for the next process: systemd does. Its methods are called without
// the lock, because they may wait.
type Store interface {
	Keep(name string, fd int)
	Drop(name string)
}

// A Kept connection is one that the store has kept.
type Kept struct {
	Name string
	FD   int
}

// namePrefix comes before the cookie of a socket in the name of a kept connection.
const namePrefix = "guest-"

func nameOf(cookie uint64) string { return fmt.Sprintf("%s%x", namePrefix, cookie) }

// IsKept reports whether a descriptor has the name of a kept connection.
func IsKept(name string) bool { return strings.HasPrefix(name, namePrefix) }

// A Config is what a [Server] takes from its caller. All fields must be set.
type Config struct {
	BMC      *bmc.BMC
	Commands *ipmi.BMC
	// Level is the privilege level of the guest.
	Level rmcp.Privilege
	// Local is the address at which clients reach the BMC, for the guest to read.
	Local netip.AddrPort
	// EndSessions ends sessions over LAN, because of what the guest has done.
	EndSessions func(ids []uint32, by string)
	Store       Store
	// Restart ends the process.
	Restart func()
	// Dir is the directory for files that outlive the process, but not the socket.
	Dir        string
	AnswerTime time.Duration // see [AnswerTime]
	Log        *slog.Logger
}

// A Server is the front. The lock of the BMC guards its fields.
type Server struct {
	Config
	numbers     *numbers
	connections []*connection // the earliest first
	serving     sync.WaitGroup
	ended       chan struct{} // closed when nothing can be entered any more
}

// NewServer returns the front with the connections that an earlier process had.
func NewServer(c Config, kept []Kept, now time.Duration) (*Server, error) {
	n, err := openNumbers(c.Dir, now)
	if err != nil {
		return nil, fmt.Errorf("requests of the guest: %w", err)
	}
	s := &Server{Config: c, numbers: n, ended: make(chan struct{})}
	for i := range n.of {
		alive := func(k Kept) bool { return k.Name == nameOf(n.of[i].cookie) }
		if !slices.ContainsFunc(kept, alive) {
			n.of[i] = numbered{}
		}
	}
	for _, k := range kept {
		if err := s.adopt(k); err != nil {
			s.Log.Error("guest lost", "err", err)
			unix.Close(k.FD)
			s.Store.Drop(k.Name)
		}
	}
	return s, nil
}

// adopt takes a connection over from an earlier process.
func (s *Server) adopt(k Kept) error {
	var cookie uint64
	if _, err := fmt.Sscanf(k.Name, namePrefix+"%x", &cookie); err != nil {
		return fmt.Errorf("connection %q: %w", k.Name, err)
	}
	c, err := newConnection(s, k.FD, cookie)
	if err != nil {
		return err
	}
	c.kept = true
	s.connections = append(s.connections, c)
	return nil
}

// Serve serves the connections that there are, and those that come, until ctx ends. The next
// process answers the requests that have no answer by then.
func (s *Server) Serve(ctx context.Context, l *Listener) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	s.BMC.Enter(func() {
		for _, c := range s.connections {
			s.begin(c)
		}
	})
	if err := s.accept(l); err != nil && ctx.Err() == nil {
		s.Log.Error("no guest can connect any more", "err", err)
		s.Restart()
	}
	<-ctx.Done()
	<-s.ended
	for _, c := range s.connections { // Enter does nothing any more, so they stay as they are
		c.socket.Close()
	}
	s.serving.Wait()
	return s.numbers.file.Close()
}

// begin has a goroutine serve a connection.
func (s *Server) begin(c *connection) {
	c.tell()
	s.serving.Go(c.serve)
}

// connected takes a connection that has just come. If there are too many, the earliest ends: its
// guest is the one that has gone away.
func (s *Server) connected(fd int) {
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	var c *connection
	if err == nil {
		c, err = newConnection(s, fd, cookie)
	}
	if err != nil {
		s.Log.Error("guest not served", "err", err)
		unix.Close(fd)
		return
	}
	if len(s.connections) >= maxConnections {
		s.remove(s.connections[0], "other guests have connected")
	}
	s.connections = append(s.connections, c)
	s.Log.Info("guest connected", "level", s.Level, event.GuestOpen.Attr())
	c.greet()
	s.begin(c)
}

// remove ends a connection.
func (s *Server) remove(c *connection, why string) {
	i := slices.Index(s.connections, c)
	if i < 0 {
		return
	}
	s.connections = slices.Delete(s.connections, i, i+1)
	s.numbers.forget(c.cookie)
	c.removed = true
	c.end()
	s.Log.Info("guest gone", "why", why, event.GuestEnd.Attr())
}

// Update tells the guest what has changed. It is called when the state of the machine has
// changed.
func (s *Server) Update() {
	for _, c := range slices.Clone(s.connections) {
		c.tell()
	}
}

// NeededUntil implements [bmc.Companion]: a connection needs the process.
func (s *Server) NeededUntil() time.Duration {
	if len(s.connections) > 0 {
		return bmc.Never
	}
	return 0
}

// Sessions implements [bmc.Companion]. The guest has no session.
func (s *Server) Sessions() int { return 0 }

// JobOver implements [bmc.Companion].
func (s *Server) JobOver(*jobs.Job) {}

// Leave implements [bmc.Companion].
func (s *Server) Leave() { close(s.ended) }

func (s *Server) asker() machine.Asker { return machine.Asker{User: user, Via: via} }
