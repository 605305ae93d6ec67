package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Values that we chose.
const (
	headerTime = 5 * time.Second  // for a TLS handshake, and for a header
	bodyTime   = 10 * time.Second // for header and body
	answerTime = time.Minute      // for a request and its answer, unless the handler sets another time
	idleTime   = 5 * time.Second  // without a request, until a connection is closed
	leaveTime  = 2 * time.Second  // for the last answers of a process that ends
	maxHeader  = 8 << 10          // bytes
)

// A Config is what a [Server] takes from its caller. All fields must be set.
type Config struct {
	Handler http.Handler
	// Enter lets do work on what the owner of the process guards with its lock. It returns
	// false, and does nothing, if the process is about to end.
	Enter func(do func()) bool
	// Uptime is the time since the boot of the host. It is called inside of Enter only.
	Uptime      func() time.Duration
	Certificate *tls.Certificate // nil: there are only local sockets
	Limits      Limits
	// Failed is called when a socket cannot be served any more.
	Failed func(error)
	Log    *slog.Logger
}

// A Server serves sockets.
type Server struct {
	Config
	http        http.Server
	connections connections // Enter guards them
}

// New returns a server.
func New(c Config) *Server {
	s := &Server{Config: c}
	s.http = http.Server{
		Handler:           c.Handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.connState,
		ConnContext:       withConnection,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	if c.Certificate != nil {
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*c.Certificate}, MinVersion: tls.VersionTLS12}
	}
	return s
}

// Serve serves the sockets until ctx ends, then sends the answers that are there.
func (s *Server) Serve(ctx context.Context, sockets []*Listener) error {
	var serving sync.WaitGroup
	for _, socket := range sockets {
		serving.Go(func() { s.serve(socket) })
	}
	<-ctx.Done()
	ending, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	err := s.http.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // a client is too slow
	}
	err = errors.Join(err, s.http.Close())
	serving.Wait()
	return err
}

// serve serves one socket until the server is closed, or the process is about to end.
func (s *Server) serve(socket *Listener) {
	serve := s.http.Serve
	if socket.NeedsCertificate() {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(admitted{socket, s}); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		s.Failed(err)
	}
}

// Needed reports whether a client says something or waits for something. It is called inside of
// Enter. A connection on which nothing goes on does not keep the process.
func (s *Server) Needed() bool { return s.connections.needed() }
