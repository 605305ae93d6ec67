package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/redfish"
)

const (
	derivedUUID = "11111111-2222-5333-8444-555555555555" // of node-1
	givenUUID   = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6" // of node-0
)

// A rig is a gateway with two BMCs, which answer with what they have received.
type rig struct {
	t       testing.TB
	dir     string
	address string
	ended   chan error
	stop    func()
	bmcs    map[string]*http.Server
	asked   atomic.Int32 // requests that reached a BMC
	log     lockedBuffer
}

// A lockedBuffer is what the gateway has logged.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A request is what a BMC has received.
type request struct {
	BMC, Method, Path, Query, Host, Body string
	Header                               http.Header
	Length                               int64
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, dir: t.TempDir(), ended: make(chan error, 1), bmcs: map[string]*http.Server{}}
	r.serve("node-0", nil)
	r.serve("node-1", nil)
	require.NoError(t, os.Symlink(filepath.Join(r.dir, "node-0"), filepath.Join(r.dir, uuidPrefix+givenUUID)))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	r.address = l.Addr().String()
	file, err := l.(*net.TCPListener).File()
	require.NoError(t, err)
	defer file.Close()
	fd, err := unix.Dup(int(file.Fd()))
	require.NoError(t, err)
	listener, err := httpserver.NewListener(fd)
	require.NoError(t, err)
	cert, key, err := certificate.Create([]string{"localhost"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, time.Now())
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(cert, key)
	require.NoError(t, err)
	begun := time.Now()
	g := New(Config{
		Identity: redfish.Identity{ManagerUUID: "30313233-3435-3637-3839-3a3b3c3d3e3f"},
		Dir:      r.dir,
		UUID: func(name string) string {
			if name == "node-1" {
				return derivedUUID
			}
			return "00000000-0000-0000-0000-000000000000"
		},
		Uptime:      func() time.Duration { return time.Since(begun) },
		Now:         time.Now,
		Idle:        time.Hour,
		Alive:       func() {},
		Certificate: &pair,
		Log:         slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.ended <- g.Run(ctx, []*httpserver.Listener{listener}) }()
	t.Cleanup(stop)
	return r
}

// serve has a BMC listen. Without a handler, it answers with what it has received.
func (r *rig) serve(name string, handler http.HandlerFunc) {
	if handler == nil {
		handler = func(w http.ResponseWriter, asked *http.Request) {
			body, err := io.ReadAll(asked.Body)
			require.NoError(r.t, err)
			w.Header().Set("Location", "/redfish/v1/TaskService/TaskMonitors/"+name+"~1")
			require.NoError(r.t, json.NewEncoder(w).Encode(request{
				name, asked.Method, asked.URL.EscapedPath(), asked.URL.RawQuery, asked.Host, string(body), asked.Header, asked.ContentLength,
			}))
		}
	}
	if former := r.bmcs[name]; former != nil {
		former.Close()
		_ = os.Remove(filepath.Join(r.dir, name))
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(r.dir, name), Net: "unix"})
	require.NoError(r.t, err)
	l.SetUnlinkOnClose(false) // a server that is closed before it serves would remove the socket of the next one
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		r.asked.Add(1)
		handler(w, asked)
	})}
	r.bmcs[name] = server
	go func() { _ = server.Serve(l) }()
	r.t.Cleanup(func() { server.Close() })
}

func (r *rig) dial() net.Conn {
	conn, err := tls.Dial("tcp", r.address, &tls.Config{InsecureSkipVerify: true})
	require.NoError(r.t, err)
	r.t.Cleanup(func() { conn.Close() })
	require.NoError(r.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	return conn
}

// send sends the bytes of a request, and returns the response; nil: the connection was closed.
func (r *rig) send(text string) (*http.Response, string) {
	conn := r.dial()
	_, err := io.WriteString(conn, text)
	require.NoError(r.t, err)
	method, _, _ := strings.Cut(text, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, ""
	}
	body, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	return response, string(body)
}

// ask sends a request without anything special.
func (r *rig) ask(method, path string) (*http.Response, string) {
	return r.send(method + " " + path + " HTTP/1.1\r\nHost: bmc.example.org\r\n\r\n")
}

// received is the request that a BMC says that it has received.
func (r *rig) received(body string) (got request) {
	require.NoError(r.t, json.Unmarshal([]byte(body), &got), body)
	return got
}

// Each path has one owner, and the BMC finds in it what the gateway has found.
func TestOwner(t *testing.T) {
	r := newRig(t)
	for path, want := range map[string]string{
		"/redfish/v1/Systems/node-0":                               "node-0 /redfish/v1/Systems/node-0",
		"/redfish/v1/Systems/node-1/":                              "node-1 /redfish/v1/Systems/node-1",
		"//redfish///v1/Systems//node-1//VirtualMedia/Cd":          "node-1 /redfish/v1/Systems/node-1/VirtualMedia/Cd",
		"/redfish/v1/Managers/node-0/NetworkProtocol?x=1":          "node-0 /redfish/v1/Managers/node-0/NetworkProtocol",
		"/redfish/v1/Chassis/node-1":                               "node-1 /redfish/v1/Chassis/node-1",
		"/redfish/v1/TaskService/Tasks/node-1~5f":                  "node-1 /redfish/v1/TaskService/Tasks/node-1~5f",
		"/redfish/v1/TaskService/TaskMonitors/node-0~a~b":          "node-0 /redfish/v1/TaskService/TaskMonitors/node-0~a~b",
		"/redfish/v1/Systems/" + givenUUID:                         "node-0 /redfish/v1/Systems/" + givenUUID,
		"/redfish/v1/Systems/" + strings.ToUpper(givenUUID):        "node-0 /redfish/v1/Systems/" + strings.ToUpper(givenUUID),
		"/redfish/v1/Systems/" + derivedUUID + "/LogServices":      "node-1 /redfish/v1/Systems/" + derivedUUID + "/LogServices",
		"/redfish/v1/Systems/node%2D0":                             "node-0 /redfish/v1/Systems/node-0",
		"/redfish/v1/Systems%2fnode-0":                             "node-0 /redfish/v1/Systems/node-0",
		"/redfish/v1/Systems/node-0%2f..%2fnode-1":                 "node-0 /redfish/v1/Systems/node-0/../node-1",
		"/redfish/v1/Systems/node-0/../node-1":                     "node-0 /redfish/v1/Systems/node-0/../node-1",
		"/redfish/v1/Systems/node-0/..;/%3f%23":                    "node-0 /redfish/v1/Systems/node-0/..;/%3F%23",
		"https://elsewhere.example.org/redfish/v1/Systems/node-0":  "node-0 /redfish/v1/Systems/node-0",
		"/redfish/v1/Systems/../Systems/node-0":                    "404",
		"/redfish/v1/./Systems/node-0":                             "404",
		"/redfish/v1/Systems/..":                                   "404",
		"/redfish/v1/Systems/.":                                    "404",
		"/redfish/v1/Systems/" + uuidPrefix + givenUUID:            "404",
		"/redfish/v1/Systems/%2e%2e%2fnode-0":                      "404",
		"/redfish/v1/Systems/node-0%00":                            "404",
		"/redfish/v1/Systems/node-2":                               "404",
		"/redfish/v1/Systems/Node-0":                               "404",
		"/redfish/v1/Systems/00000000-0000-0000-0000-000000000001": "404",
		"/redfish/v1/AccountService":                               "404",
		"/redfish/v1/TaskService/Tasks":                            "404",
		"/redfish/v2/Systems/node-0":                               "404",
		"/Systems/node-0":                                          "404",
		"/":                                                        "404",
		"/redfish":                                                 "gateway",
		"/redfish/v1":                                              "gateway",
		"/redfish/v1/":                                             "gateway",
		"/redfish/v1/odata":                                        "gateway",
		"/redfish/v1/%24metadata":                                  "gateway",
		"/redfish/v1/Systems":                                      "gateway",
		"/redfish/v1/Managers/":                                    "gateway",
		"/redfish/v1/Chassis":                                      "gateway",
		"/redfish/v1/SessionService/Sessions":                      "gateway",
		"/redfish/v1/Registries/Base":                              "gateway",
	} {
		response, body := r.ask("GET", path)
		require.NotNil(t, response, path)
		got := fmt.Sprint(response.StatusCode)
		if response.StatusCode == http.StatusOK {
			got = "gateway"
			if strings.HasPrefix(body, `{"BMC"`) {
				asked := r.received(body)
				got = asked.BMC + " " + asked.Path
			}
		}
		require.Equal(t, want, got, path)
	}
}

func TestLists(t *testing.T) {
	r := newRig(t)
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "no-socket"), nil, 0o600))
	for list, want := range map[string]string{
		"Systems":  `"Members":[{"@odata.id":"/redfish/v1/Systems/node-0"},{"@odata.id":"/redfish/v1/Systems/node-1"}],"Members@odata.count":2}`,
		"Managers": `"Members":[{"@odata.id":"/redfish/v1/Managers/node-0"},{"@odata.id":"/redfish/v1/Managers/node-1"}],"Members@odata.count":2}`,
		"Chassis":  `"Members":[{"@odata.id":"/redfish/v1/Chassis/node-0"},{"@odata.id":"/redfish/v1/Chassis/node-1"}],"Members@odata.count":2}`,
	} {
		_, body := r.ask("GET", "/redfish/v1/"+list)
		require.Contains(t, body, want)
	}
	_, root := r.ask("GET", "/redfish/v1/")
	require.NotContains(t, root, "AccountService")
	require.NotContains(t, root, "TaskService")
	require.Contains(t, root, `"Links":{"Sessions":{"@odata.id":"/redfish/v1/SessionService/Sessions"}}`)
	_, sessions := r.ask("GET", "/redfish/v1/SessionService")
	require.Contains(t, sessions, `"ServiceEnabled":false`)
	response, _ := r.ask("POST", "/redfish/v1/SessionService/Sessions")
	require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	require.Equal(t, "GET, HEAD", response.Header.Get("Allow"))
	require.Zero(t, r.asked.Load(), "no BMC is started for a list")
}

// A BMC gets what it needs to know, and nothing that speaks for another client or that a proxy interprets.
func TestHeader(t *testing.T) {
	r := newRig(t)
	response, body := r.send("PATCH /redfish/v1/Systems/node-0?only=x HTTP/1.1\r\nHost: bmc.example.org:8000\r\n" +
		"Authorization: Basic YWRtaW46c2VzYW1l\r\nX-Auth-Token: t\r\nIf-Match: *\r\nOData-Version: 4.0\r\nContent-Type: application/json\r\n" +
		"X-Forwarded-For: 192.0.2.66:1\r\nx-forwarded-for: 192.0.2.67:1\r\nX-Forwarded-To: 192.0.2.68:1\r\nForwarded: for=192.0.2.69\r\n" +
		"X_Forwarded_For: 192.0.2.70:1\r\nX-Real-IP: 192.0.2.71\r\nProxy-Authorization: Basic eDp5\r\nX-HTTP-Method-Override: DELETE\r\n" +
		"X-Original-URL: /redfish/v1/Systems/node-1\r\nCookie: a=b\r\nTE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" +
		"Connection: Upgrade, HTTP2-Settings, X-Forwarded-For, Authorization\r\nContent-Length: 2\r\n\r\n{}")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "/redfish/v1/TaskService/TaskMonitors/node-0~1", response.Header.Get("Location"))
	got := r.received(body)
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, got.Header.Get(httpserver.ForwardedFor))
	require.Len(t, got.Header.Values(httpserver.ForwardedFor), 1)
	require.Equal(t, r.address, got.Header.Get(httpserver.ForwardedTo))
	delete(got.Header, httpserver.ForwardedFor)
	delete(got.Header, httpserver.ForwardedTo)
	require.Equal(t, http.Header{
		"Authorization": {"Basic YWRtaW46c2VzYW1l"}, "X-Auth-Token": {"t"}, "If-Match": {"*"}, "Odata-Version": {"4.0"},
		"Content-Type": {"application/json"}, "Content-Length": {"2"}, "Connection": {"close"},
	}, got.Header)
	got.Header = nil
	require.Equal(t, request{
		BMC: "node-0", Method: "PATCH", Path: "/redfish/v1/Systems/node-0", Query: "only=x", Host: "bmc.example.org:8000", Body: "{}", Length: 2,
	}, got)
}

// A request whose end is in doubt reaches no BMC, or one BMC, once. The bytes behind it are not taken for a request of
// another client: there is one connection for each request.
func TestSmuggling(t *testing.T) {
	const path = "/redfish/v1/Systems/node-0"
	smuggled := "GET /redfish/v1/Systems/node-1 HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.66:1\r\n\r\n"
	for name, text := range map[string]string{
		"two lengths":          "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 44\r\n\r\n{}" + smuggled,
		"length and chunks":    "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"strange encoding":     "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"two encodings":        "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
		"space before colon":   "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length : 4\r\n\r\n" + smuggled,
		"folded line":          "POST " + path + " HTTP/1.1\r\nHost: h\r\nX: a\r\n Content-Length: 4\r\n\r\n" + smuggled,
		"bare line feed":       "POST " + path + " HTTP/1.1\r\nHost: h\r\nX: a\nContent-Length: 0\r\n\r\n" + smuggled,
		"two hosts":            "GET " + path + " HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" + smuggled,
		"break in the path":    "GET " + path + "%0d%0aX-Forwarded-For:%20192.0.2.66:1 HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled,
		"break in the query":   "GET " + path + "?a=%0d%0a%0d%0aGET%20/x HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled,
		"chunk with extension": "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\n" + smuggled,
		"trailer":              "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n\r\n2\r\n{}\r\n0\r\nX-Forwarded-For: 192.0.2.66:1\r\n\r\n" + smuggled,
		"method CONNECT":       "CONNECT node-0:443 HTTP/1.1\r\nHost: node-0:443\r\n\r\n" + smuggled,
		"asterisk":             "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled,
		"HTTP/2":               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			response, body := r.send(text)
			if response == nil || response.StatusCode != http.StatusOK || body == "" {
				require.LessOrEqual(t, r.asked.Load(), int32(1)) // the second request may be a good one
				return
			}
			got := r.received(body)
			require.Equal(t, "node-0", got.BMC)
			require.Regexp(t, `^127\.0\.0\.1:\d+$`, got.Header.Get(httpserver.ForwardedFor))
			require.NotContains(t, got.Body, "GET")
			require.NotContains(t, got.Path, "\n")
		})
	}
}

// A request reaches its BMC when it has come whole.
func TestSlowBody(t *testing.T) {
	r := newRig(t)
	conn := r.dial()
	_, err := io.WriteString(conn, "POST /redfish/v1/Systems/node-0 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{")
	require.NoError(t, err)
	_, body := r.ask("GET", "/redfish/v1/Systems/node-1") // meanwhile
	require.Equal(t, "node-1", r.received(body).BMC)
	require.EqualValues(t, 1, r.asked.Load())
	_, err = io.WriteString(conn, "}")
	require.NoError(t, err)
	_, err = http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.EqualValues(t, 2, r.asked.Load())

	response, _ := r.send("POST /redfish/v1/Systems/node-0 HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n" + strings.Repeat(" ", 65537))
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	require.EqualValues(t, 2, r.asked.Load())
}

// What the gateway refuses is in its journal, as what a BMC refuses is in that of the BMC.
func TestRefusalsAreLogged(t *testing.T) {
	r := newRig(t)
	const to = " HTTP/1.1\r\nHost: h\r\n"
	for text, want := range map[string]string{
		"POST /redfish/v1/SessionService/Sessions" + to + "\r\n":                                                                          "status=405 reason=Base.1.22.OperationNotAllowed",
		"POST /redfish/v1/Systems/node-0" + to + "Content-Length: 65537\r\n\r\n" + strings.Repeat(" ", 65537):                             "status=413 reason=",
		"PATCH /redfish/v1/Systems/node-9" + to + "\r\n":                                                                                  "status=404 reason=Base.1.22.ResourceMissingAtURI",
		"POST /redfish/v1/Systems/node-0" + to + "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n": "status=403 reason=",
	} {
		before := len(r.log.String())
		response, _ := r.send(text)
		require.NotNil(t, response)
		logged := r.log.String()[before:]
		require.Equal(t, 1, strings.Count(logged, "Redfish request refused"), logged)
		require.Contains(t, logged, want)
		require.Regexp(t, `peer=127\.0\.0\.1:\d+`, logged)
	}
	before := r.log.String()
	r.ask("GET", "/redfish/v1/Systems/node-9")
	require.Equal(t, before, r.log.String(), "a request that only reads is not logged")
}

// A socket on which no process listens any more is that of a BMC that is just being stopped.
func TestStoppedBMC(t *testing.T) {
	r := newRig(t)
	address := &unix.SockaddrUnix{Name: filepath.Join(r.dir, "node-2")}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, address))
	require.NoError(t, unix.Close(fd))
	response, body := r.ask("GET", "/redfish/v1/Systems/node-2")
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.NotEmpty(t, response.Header.Get("Retry-After"))
	require.Contains(t, body, "ServiceTemporarilyUnavailable")
	require.NoError(t, os.Remove(address.Name))
	response, _ = r.ask("GET", "/redfish/v1/Systems/node-2")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

// If the process of a BMC ends before it has answered, the client sees what it sees without a gateway: a connection that
// is closed. It repeats its request, and the next process answers. The gateway itself repeats nothing.
func TestBMCEndsWithoutAnswer(t *testing.T) {
	r := newRig(t)
	r.serve("node-0", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, method := range []string{"GET", "POST"} {
		response, _ := r.ask(method, "/redfish/v1/Systems/node-0")
		require.Nil(t, response)
	}
	require.EqualValues(t, 2, r.asked.Load())
	r.serve("node-0", nil)
	_, body := r.ask("GET", "/redfish/v1/Systems/node-0")
	require.Equal(t, "node-0", r.received(body).BMC)
}

// A client that goes takes its request along.
func TestClientGoes(t *testing.T) {
	r := newRig(t)
	gone, came := make(chan struct{}), make(chan struct{})
	r.serve("node-0", func(_ http.ResponseWriter, asked *http.Request) {
		close(came)
		<-asked.Context().Done()
		close(gone)
	})
	conn := r.dial()
	_, err := io.WriteString(conn, "GET /redfish/v1/Systems/node-0 HTTP/1.1\r\nHost: h\r\n\r\n")
	require.NoError(t, err)
	<-came
	conn.Close()
	<-gone
}

// When the process ends, the answers that are on their way still leave, and what comes later waits for the next process.
func TestStop(t *testing.T) {
	r := newRig(t)
	answer, came := make(chan struct{}), make(chan struct{})
	r.serve("node-0", func(w http.ResponseWriter, _ *http.Request) {
		close(came)
		<-answer
		w.WriteHeader(http.StatusNoContent)
	})
	conn := r.dial()
	_, err := io.WriteString(conn, "GET /redfish/v1/Systems/node-0 HTTP/1.1\r\nHost: h\r\n\r\n")
	require.NoError(t, err)
	<-came
	r.stop()
	close(answer)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, response.StatusCode)
	require.NoError(t, <-r.ended)

	later, err := net.Dial("tcp", r.address) // systemd has the socket, and in this test the test
	require.NoError(t, err)
	defer later.Close()
}

// The process ends when it has been idle, also while clients keep connections open, and not while one waits.
func TestIdleExit(t *testing.T) {
	now := time.Duration(0)
	g := New(Config{Idle: 10 * time.Second, Uptime: func() time.Duration { return now }, Log: slog.New(slog.DiscardHandler)})
	require.False(t, g.over(t.Context(), 0))
	now = 10*time.Second - 1
	require.False(t, g.over(t.Context(), 0))
	require.True(t, g.enter(func() {}))
	now = 10 * time.Second
	require.False(t, g.over(t.Context(), 1))
	require.True(t, g.over(t.Context(), 0))
	require.False(t, g.enter(func() { t.Fatal("the process is about to end") }))

	stopped, stop := context.WithCancel(t.Context())
	stop()
	g = New(Config{Idle: time.Hour, Uptime: func() time.Duration { return now }, Log: slog.New(slog.DiscardHandler)})
	require.True(t, g.over(stopped, now))
}
