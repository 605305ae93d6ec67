package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/redfish"
)

// limits are higher than those of one BMC: a client such as Ironic has requests for all BMCs at once.
var limits = httpserver.Limits{All: 1024, OfSource: 512}

// answerTime is how long a BMC may take to answer. Its process may have to start, and a script that reads has a time limit
// of its own.
const answerTime = 2 * time.Minute

// A Config is what a [Gateway] takes from its caller. All fields must be set.
type Config struct {
	Identity redfish.Identity
	Dir      string                   // has the local sockets of the BMCs
	UUID     func(name string) string // of the managed system of a BMC that has been given none
	// Uptime is the time since the boot of the host.
	Uptime      func() time.Duration
	Now         func() time.Time
	Idle        time.Duration // without a request, until the process ends
	Alive       func()        // called each second
	Certificate *tls.Certificate
	Log         *slog.Logger
}

// A Gateway is the gateway of a host.
type Gateway struct {
	Config
	dir     directory
	service *redfish.Service
	proxy   httputil.ReverseProxy
	http    *httpserver.Server

	mu     sync.Mutex // guards what follows, and the connections of http
	ending bool
	failed error // why the sockets cannot be served any more
}

// New returns a gateway.
func New(c Config) *Gateway {
	g := &Gateway{Config: c, dir: directory{c.Dir, c.UUID}}
	g.service = &redfish.Service{Identity: c.Identity, BMCs: g.dir.names, Log: c.Log}
	g.proxy = httputil.ReverseProxy{
		Rewrite:        rewrite,
		ModifyResponse: g.answered,
		ErrorHandler:   g.unanswered,
		ErrorLog:       slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				name, _, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, "unix", g.dir.socket(name))
			},
			DisableKeepAlives:     true, // a BMC that is idle can end, and no request meets an end
			DisableCompression:    true,
			ResponseHeaderTimeout: answerTime,
		},
	}
	g.http = httpserver.New(httpserver.Config{
		Handler:     g,
		Enter:       g.enter,
		Uptime:      c.Uptime,
		Certificate: c.Certificate,
		Limits:      limits,
		Failed:      func(err error) { g.enter(func() { g.ending, g.failed = true, err }) },
		Log:         c.Log,
	})
	return g
}

// enter implements Enter of [httpserver.Config].
func (g *Gateway) enter(do func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending {
		return false
	}
	do()
	return true
}

// tick is how often Run looks whether the gateway is idle.
const tick = time.Second

// Run serves the sockets until ctx ends or no client has asked for a while.
func (g *Gateway) Run(ctx context.Context, sockets []*httpserver.Listener) error {
	serving, end := context.WithCancel(context.Background())
	defer end()
	served := make(chan error, 1)
	go func() { served <- g.http.Serve(serving, sockets) }()
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for needed := g.Uptime(); !g.over(ctx, needed); {
		g.Alive()
		select {
		case <-ctx.Done():
		case <-ticks.C:
		}
		g.enter(func() {
			if g.http.Needed() {
				needed = g.Uptime()
			}
		})
	}
	end()
	return errors.Join(<-served, g.failed)
}

// over reports whether the process must end. needed is when it was last needed. From then on, connections stay in the
// queue for the next process.
func (g *Gateway) over(ctx context.Context, needed time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ending = g.ending || ctx.Err() != nil || g.Uptime()-needed >= g.Idle
	return g.ending
}

// ServeHTTP implements [http.Handler]. A request that cannot be answered any more has its connection closed, so that the
// client repeats it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, refused := httpserver.Read(w, r)
	if !g.enter(func() { httpserver.Serving(r) }) {
		panic(http.ErrAbortHandler)
	}
	if refused == nil {
		if name := g.dir.find(redfish.Owner(asked.Path)); name != "" {
			g.proxy.ServeHTTP(w, g.forwarded(w, r, asked, name))
			return
		}
	}
	g.answer(w, r, asked, refused)
}

// answer sends an answer of the gateway itself.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, asked *redfish.Request, a *redfish.Answer) {
	var route *redfish.Route
	if a == nil {
		var found redfish.Answer
		route, found = g.service.Handle(asked)
		a = &found
	}
	httpserver.LogRefusal(g.Log, asked, *a)
	g.answering(w, r)
	if httpserver.Write(w, r, route.Header(asked, *a), *a) != nil {
		panic(http.ErrAbortHandler)
	}
}

// sendTime is how long a client may take to read an answer.
const sendTime = 10 * time.Second

// answering notes that there is an answer, which the client must read soon.
func (g *Gateway) answering(w http.ResponseWriter, r *http.Request) {
	g.enter(func() { httpserver.Answering(r, g.Uptime()) })
	_ = http.NewResponseController(w).SetWriteDeadline(g.Now().Add(sendTime))
}

// A forwarded is a request for a BMC.
type forwarded struct {
	asked *redfish.Request
	name  string
	w     http.ResponseWriter
	r     *http.Request // of the client
}

type forwardedKey struct{}

func forwardedOf(r *http.Request) forwarded { return r.Context().Value(forwardedKey{}).(forwarded) }

// forwarded is a request with what the functions of the proxy need. Its body has come whole, so a slow client does not
// hold up the BMC.
func (g *Gateway) forwarded(w http.ResponseWriter, r *http.Request, asked *redfish.Request, name string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), forwardedKey{}, forwarded{asked, name, w, r}))
}

// passed are the fields of the header of a request that a BMC reads. No other field reaches it: neither one that speaks
// for another client, nor one that a proxy interprets.
var passed = []string{
	"Authorization", "Content-Type", "If-Match", "OData-Version", "Origin", "Sec-Fetch-Site", "X-Auth-Token",
}

// rewrite makes the request that the BMC gets. Its path is written anew, so the BMC finds in it what the gateway found.
func rewrite(p *httputil.ProxyRequest) {
	f := forwardedOf(p.In)
	p.Out.URL = &url.URL{Scheme: "http", Host: f.name, Path: redfish.CleanPath(f.asked.Path), RawQuery: p.In.URL.RawQuery}
	p.Out.Header, p.Out.Trailer, p.Out.TransferEncoding = make(http.Header), nil, nil
	for _, field := range passed {
		if values := p.In.Header.Values(field); len(values) > 0 {
			p.Out.Header[field] = values
		}
	}
	p.Out.Header.Set(httpserver.ForwardedFor, f.asked.Peer.String())
	p.Out.Header.Set(httpserver.ForwardedTo, f.asked.Local.String())
	p.Out.Body, p.Out.ContentLength = io.NopCloser(bytes.NewReader(f.asked.Body)), int64(len(f.asked.Body))
	if len(f.asked.Body) == 0 {
		p.Out.Body = http.NoBody
	}
}

// answered is called with the response of a BMC.
func (g *Gateway) answered(response *http.Response) error {
	f := forwardedOf(response.Request)
	g.answering(f.w, f.r)
	return nil
}

// unanswered is called if there is no response of a BMC. If the BMC may have received the request, the connection to the client is
// closed, as the BMC itself would have done.
func (g *Gateway) unanswered(w http.ResponseWriter, r *http.Request, err error) {
	f := forwardedOf(r)
	dial, _ := errors.AsType[*net.OpError](err)
	switch {
	case r.Context().Err() != nil: // the client has gone
	case dial == nil || dial.Op != "dial":
		g.Log.Warn("a BMC has ended without an answer", "bmc", f.name, "err", err)
	case errors.Is(err, fs.ErrNotExist): // it was stopped just now
		g.answer(w, f.r, f.asked, nil)
		return
	default:
		if !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.EAGAIN) {
			g.Log.Error("a BMC cannot be reached", "bmc", f.name, "err", err)
		}
		g.answer(w, f.r, f.asked, new(redfish.Respond(machine.Busy)))
		return
	}
	panic(http.ErrAbortHandler)
}
