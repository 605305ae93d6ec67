package https

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/redfish"
	"github.com/shipmi/shipmi/internal/session"
)

// A Config is what a [Server] takes from its caller. All fields must be set.
type Config struct {
	BMC         *bmc.BMC
	Service     *redfish.Service
	Certificate *tls.Certificate // nil: there are only local sockets
	// IPMI has the failed logins of all fronts.
	IPMI *session.Table
	// Credentials returns the credentials that are in force.
	Credentials func() instance.Credentials
	// EndIPMI ends IPMI sessions, because of a user.
	EndIPMI func(ids []uint32, by string)
	// EndAllIPMI ends all IPMI sessions, because of a user who restarts the BMC.
	EndAllIPMI func(by string)
	// Restart ends the process.
	Restart func()
	// Dir is the directory for files that outlive the process, but not the socket of the BMC.
	Dir string
	Log *slog.Logger
}

// A Server is the front.
type Server struct {
	Config
	http   *httpserver.Server
	tokens *tokens
	tasks  *tasks

	// The lock of the BMC guards the rest.
	exchanges []*exchange // that have no answer yet
	numbers   uint32      // of exchanges
}

// NewServer returns the front for a BMC. It sets what the service needs of the front: Sessions
// and Tasks.
func NewServer(c Config) (*Server, error) {
	s := &Server{Config: c}
	s.tasks = &tasks{bmc: c.BMC, name: c.Service.Name}
	s.tasks.load()
	tokens, err := loadTokens(s)
	if err != nil {
		return nil, err
	}
	s.tokens = tokens
	c.Service.Sessions, c.Service.Tasks = tokens, s.tasks
	s.http = httpserver.New(httpserver.Config{
		Handler:     s,
		Enter:       c.BMC.Enter,
		Uptime:      c.BMC.Uptime,
		Certificate: c.Certificate,
		Limits:      httpserver.LimitsOfBMC,
		Failed: func(err error) {
			c.Log.Error("no Redfish any more", "err", err)
			c.Restart()
		},
		Log: c.Log,
	})
	return s, nil
}

// Serve serves the sockets until ctx ends, then sends the answers that are there.
func (s *Server) Serve(ctx context.Context, sockets []*httpserver.Listener) error {
	return s.http.Serve(ctx, sockets)
}

// NeededUntil implements [bmc.Companion].
func (s *Server) NeededUntil() time.Duration {
	if s.http.Needed() || len(s.exchanges) > 0 {
		return s.BMC.Uptime() + time.Second
	}
	return 0
}
