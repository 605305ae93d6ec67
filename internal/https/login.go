package https

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/redfish"
)

// authenticate finds out who sends a request. It returns an answer if the request is not to be
// handled.
func (s *Server) authenticate(r *http.Request, asked *redfish.Request) *redfish.Answer {
	if s.Service.Public(asked) {
		return nil
	}
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		asked.User = s.tokens.user(token)
		return nil
	}
	name, password, given := r.BasicAuth()
	if !given {
		return nil
	}
	u, refused := s.login(name, password, asked.Peer)
	if refused == nil {
		asked.User = userOf(u, "")
	}
	return refused
}

func userOf(u instance.User, session string) *redfish.User {
	return &redfish.User{ID: u.ID, Name: u.Name, Privilege: u.Privilege, Session: session}
}

// refused makes a log record the event of a client that has not logged in.
var refused = event.Event{Kind: event.Refused, Via: via}.Attr()

// login checks a name and a password. The answer to a wrong name is that to a wrong password,
// after the same time.
func (s *Server) login(name, password string, peer netip.AddrPort) (instance.User, *redfish.Answer) {
	now := s.BMC.Uptime()
	if s.IPMI.Delays(peer, name, now) {
		s.Log.Warn("login delayed: too many have failed", "user", start(name, instance.MaxUserName), "peer", peer, refused)
		return instance.User{}, new(redfish.Delayed())
	}
	u, known := s.Credentials().Named(name)
	right := equal(u.Password.Reveal(), password)
	if !known || !right || !u.CanLogIn() {
		s.IPMI.LoginFailed(peer, name, now)
		s.Log.Warn("login failed", "user", start(name, instance.MaxUserName), "peer", peer, refused)
		return instance.User{}, new(redfish.Unauthorized())
	}
	level := event.Counted
	if s.IPMI.LoggedIn(peer, name, now) {
		level = slog.LevelInfo
	}
	s.Log.Log(context.Background(), level, "logged in", "user", name, "peer", peer, "privilege", u.Privilege, "via", via,
		event.Event{Kind: event.Login, Via: via}.Attr())
	return u, nil
}

// equal compares texts in a time that does not depend on where they differ, nor on their
// lengths.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Login implements [redfish.Sessions].
func (t *tokens) Login(name, password string, peer netip.AddrPort) (redfish.Session, string, *redfish.Answer) {
	u, refused := t.server.login(name, password, peer)
	if refused != nil {
		return redfish.Session{}, "", refused
	}
	return t.open(u, peer)
}

// defaultTimeout is how long a session lasts without a request, unless a client sets another
// time.
const defaultTimeout = 30 * time.Minute
