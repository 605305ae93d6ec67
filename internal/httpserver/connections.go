package httpserver

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/session"
)

// Limits are the greatest numbers of connections. Package session says what a source is.
type Limits struct{ All, OfSource int }

// LimitsOfBMC are those of the process of one BMC.
var LimitsOfBMC = Limits{All: 128, OfSource: 32}

// A connection is a connection to a client.
type connection struct {
	net.Conn
	source  netip.Prefix
	local   bool          // the client is a program of this host, which says whose request it is
	since   time.Duration // when it came, or when it was last sent an answer
	idle    bool          // between two requests
	serving bool          // a request that has come whole waits for its answer
}

// connections are those that are open, the earliest first.
type connections struct {
	all      []*connection
	accepted int // that are not in the table yet
}

// admit enters a connection into the table; nil: there are too many. If there are, the one
// that has said nothing for the longest time makes room: first that of the same source.
func (s *Server) admit(conn net.Conn, local bool) (c *connection) {
	var victim *connection
	s.Enter(func() {
		all := &s.connections
		all.accepted--
		new := &connection{Conn: conn, local: local, since: s.Uptime()}
		if !local {
			new.source = session.Source(addrPort(conn.RemoteAddr()))
		}
		same := func(o *connection) bool { return o.source == new.source }
		anyone := func(*connection) bool { return true }
		switch {
		case !local && all.count(same) >= s.Limits.OfSource:
			victim = all.silent(same)
		case len(all.all) >= s.Limits.All:
			victim = all.silent(anyone)
		default:
			c = new
		}
		if victim != nil {
			all.remove(victim)
			c = new
		}
		if c != nil {
			all.all = append(all.all, c)
		}
	})
	if victim != nil {
		victim.Close()
	}
	return c
}

func (all *connections) count(which func(*connection) bool) (n int) {
	for _, c := range all.all {
		if which(c) {
			n++
		}
	}
	return n
}

// silent is the connection that has said nothing for the longest time; nil: all are served.
func (all *connections) silent(which func(*connection) bool) (found *connection) {
	for _, c := range all.all {
		if which(c) && !c.serving && (found == nil || c.since < found.since) {
			found = c
		}
	}
	return found
}

func (all *connections) remove(c *connection) {
	all.all = slices.DeleteFunc(all.all, func(o *connection) bool { return o == c })
}

// needed reports whether a client says something or waits for something.
func (all *connections) needed() bool {
	return all.accepted > 0 || slices.ContainsFunc(all.all, func(c *connection) bool { return !c.idle })
}

// connState notes what package http tells of a connection.
func (s *Server) connState(conn net.Conn, state http.ConnState) {
	c := connectionOf(conn)
	s.Enter(func() {
		switch state {
		case http.StateActive:
			c.idle = false
		case http.StateIdle:
			c.idle, c.since = true, s.Uptime()
		case http.StateClosed:
			s.connections.remove(c)
		}
	})
}

// connectionOf is the entry of a connection, under its TLS if it has any.
func connectionOf(conn net.Conn) *connection {
	if encrypted, is := conn.(*tls.Conn); is {
		conn = encrypted.NetConn()
	}
	return conn.(*connection)
}

func addrPort(a net.Addr) netip.AddrPort {
	addr, _ := a.(*net.TCPAddr)
	of := addr.AddrPort()
	return netip.AddrPortFrom(of.Addr().Unmap(), of.Port())
}

// Fields of a header in which a program of this host says whose request it is, and where it was sent to, each as address
// and port. From the network, they mean nothing.
const (
	ForwardedFor = "X-Forwarded-For"
	ForwardedTo  = "X-Forwarded-To"
)

// Peer is the client of a request; not valid if it is a program of this host.
func Peer(r *http.Request) netip.AddrPort { return end(r, net.Conn.RemoteAddr, ForwardedFor) }

// Local is the address that a request was sent to; not valid if a program of this host sent it.
func Local(r *http.Request) netip.AddrPort { return end(r, net.Conn.LocalAddr, ForwardedTo) }

// end is one end of the connection of a request.
func end(r *http.Request, of func(net.Conn) net.Addr, field string) netip.AddrPort {
	c := r.Context().Value(connectionKey{}).(*connection)
	if !c.local {
		return addrPort(of(c))
	}
	said, err := netip.ParseAddrPort(r.Header.Get(field))
	if err != nil {
		return netip.AddrPort{}
	}
	return said
}

// Serving notes that a request has come whole and waits for its answer. It is called inside of Enter.
func Serving(r *http.Request) { r.Context().Value(connectionKey{}).(*connection).serving = true }

// Answering notes that the answer to a request is sent from now on, in time since the boot of the host.
// A client that does not read its answer may have its connection closed like one that says nothing. It
// is called inside of Enter.
func Answering(r *http.Request, now time.Duration) {
	c := r.Context().Value(connectionKey{}).(*connection)
	c.serving, c.since = false, now
}

// Close closes the connection of a request. It counts until the handler of the request returns.
func Close(r *http.Request) { r.Context().Value(connectionKey{}).(*connection).Close() }

type connectionKey struct{}

// withConnection has the requests of a connection know it.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connectionOf(conn))
}
