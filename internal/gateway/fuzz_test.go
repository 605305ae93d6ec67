package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/redfish"
)

// For all bytes that a client sends: each response is one of HTTP. A request that reaches a BMC names this BMC, has one
// address of a client, which is the true one, and has no other field of the header than those that the gateway passes on.
func FuzzBytes(f *testing.F) {
	const host = "Host: h\r\n"
	for _, line := range []string{
		"GET /redfish/v1/Systems/node-0", "HEAD /redfish/v1/Managers/node-1/", "OPTIONS *", "GET https://node-1//redfish//v1//Chassis//node-0?a=%00",
		"GET /redfish/v1/Systems/../Systems/node-0", "GET /redfish/v1/Systems/%2e%2e%2fnode-0", "GET /redfish/v1/Systems/node-0%00", "GET /redfish/v1/Systems/.uuid-" + givenUUID,
		"GET /redfish/v1/Systems/" + givenUUID, "DELETE /redfish/v1/TaskService/TaskMonitors/node-1~1", "GET /redfish/v1/Systems", "CONNECT node-0:443", "GET redfish",
	} {
		f.Add([]byte(line + " HTTP/1.1\r\n" + host + "\r\n"))
	}
	for _, rest := range []string{
		"Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX-Forwarded-For: 192.0.2.1:1\r\n\r\n",
		"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /redfish/v1/Systems/node-1 HTTP/1.1\r\nHost: h\r\n\r\n",
		"X-Forwarded-For: 192.0.2.1:1\r\nx-forwarded-to: 192.0.2.1:1\r\nForwarded: for=a\r\nConnection: Authorization, X-Forwarded-For\r\nUpgrade: h2c\r\n\r\n",
		"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", "Content-Length: 9\r\n\r\n{}", "X: a\r\n Y: b\r\n\r\n", "Origin: http://h\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add([]byte("PATCH /redfish/v1/Systems/node-0 HTTP/1.1\r\n" + host + rest))
	}
	f.Add([]byte("GET /redfish/v1/Systems/node-0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /redfish/v1/Systems/node-1 HTTP/1.1\r\nHost: h\r\n\r\n"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))

	r := newRig(f)
	allowed := append(slices.Clone(passed), httpserver.ForwardedFor, httpserver.ForwardedTo, "Content-Length", "Connection")
	var mu sync.Mutex    // guards what follows
	var clients []string // the latest ones: a request that is canceled may arrive late
	var faults []string
	for _, name := range []string{"node-0", "node-1"} {
		r.serve(name, func(w http.ResponseWriter, asked *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			body, err := io.ReadAll(asked.Body)
			if owner := r.owner(asked.URL.Path); owner != name {
				faults = append(faults, name+" was asked for "+asked.URL.Path)
			}
			if asked.URL.Path != redfish.CleanPath(asked.URL.Path) {
				faults = append(faults, "two paths in one: "+asked.URL.Path)
			}
			if got := asked.Header.Values(httpserver.ForwardedFor); len(got) != 1 || !slices.Contains(clients, got[0]) {
				faults = append(faults, "client: "+strings.Join(got, " "))
			}
			if got := asked.Header.Values(httpserver.ForwardedTo); !slices.Equal(got, []string{r.address}) {
				faults = append(faults, "address: "+strings.Join(got, " "))
			}
			for field := range asked.Header {
				if !slices.ContainsFunc(allowed, func(a string) bool { return http.CanonicalHeaderKey(a) == field }) {
					faults = append(faults, "field: "+field)
				}
			}
			if err != nil || int64(len(body)) != asked.ContentLength || len(asked.Trailer) > 0 {
				faults = append(faults, "body of another length, or a trailer")
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
	const last = "\r\n\r\nGET /redfish HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n" // ends a header, and the connection
	sessions := tls.NewLRUClientSessionCache(1)
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn, err := net.Dial("tcp", r.address)
		require.NoError(t, err)
		defer conn.Close()
		mu.Lock()
		clients = append(clients[max(0, len(clients)-100):], conn.LocalAddr().String())
		mu.Unlock()
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		encrypted := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ClientSessionCache: sessions})
		_, err = encrypted.Write(append(slices.Clone(sent), last...))
		require.NoError(t, err)
		// A request is canceled when its client has closed the connection, so only one whose end does not come meets this.
		closing := time.AfterFunc(200*time.Millisecond, func() { _ = encrypted.CloseWrite() })
		text, err := io.ReadAll(encrypted)
		closing.Stop()
		require.False(t, isTimeout(err), "the gateway neither answers nor closes the connection")
		responses := bufio.NewReader(bytes.NewReader(text))
		for {
			if _, err := responses.Peek(1); err != nil {
				break
			}
			response, err := http.ReadResponse(responses, &http.Request{Method: http.MethodHead}) // the bodies are checked elsewhere
			require.NoError(t, err, "%q", text)
			require.GreaterOrEqual(t, response.StatusCode, 100)
			if response.StatusCode != http.StatusNoContent {
				break
			}
		}
		mu.Lock()
		defer mu.Unlock()
		require.Empty(t, faults, "%q", sent)
	})
}

func isTimeout(err error) bool {
	timeout, is := errors.AsType[net.Error](err)
	return is && timeout.Timeout()
}

// owner is the BMC that a path names.
func (r *rig) owner(path string) string {
	switch id := redfish.Owner(path); {
	case strings.EqualFold(id, givenUUID):
		return "node-0"
	case strings.EqualFold(id, derivedUUID):
		return "node-1"
	default:
		return id
	}
}

// For every path: the gateway finds a BMC that it has, or none, and the BMC finds itself in the path that it gets.
func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"/redfish/v1/Systems/node-0", "//redfish/v1/Chassis//node-1/x", "/redfish/v1/TaskService/Tasks/node-0~1~2", "/redfish/v1/Systems/../node-0",
		"/redfish/v1/Systems/.uuid-" + givenUUID, "/redfish/v1/Systems/" + givenUUID + "/%2e", "/redfish/v1/Systems/\x00node-0", "/redfish/v1/Managers/node-0?a#b;c\r\n",
	} {
		f.Add(path)
	}
	r := newRig(f)
	d := directory{r.dir, func(name string) string { return map[string]string{"node-1": derivedUUID}[name] }}
	f.Fuzz(func(t *testing.T, path string) {
		name := d.find(redfish.Owner(path))
		if name == "" {
			return
		}
		require.Contains(t, d.names(), name)
		clean := redfish.CleanPath(path)
		require.Equal(t, clean, redfish.CleanPath(clean))
		out, err := http.NewRequest(http.MethodGet, "http://h", nil)
		require.NoError(t, err)
		out.URL.Path = clean
		var wire bytes.Buffer
		require.NoError(t, out.Write(&wire))
		got, err := http.ReadRequest(bufio.NewReader(&wire))
		require.NoError(t, err)
		require.Equal(t, clean, got.URL.Path)
		require.Equal(t, name, d.find(redfish.Owner(got.URL.Path)))
		require.Equal(t, name, r.owner(got.URL.Path))
	})
}
