//go:build e2e

package flood

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The load on Redfish.
const (
	connectionRate = 1000 // new connections a second, of all kinds, at the full rate
	halfOpen       = 1000 // connections on which a handshake has begun, and that stay
	slow           = 100  // connections that send their requests one byte at a time
)

const (
	// A client of the field waits for an answer that long: redfishtool, and Ansible before 2024.
	clientPatience = 10 * time.Second
	// The process may have 128 connections of Redfish, and a few descriptors beside them.
	maxDescriptors = 128 + 64
)

// redfishClients are clients of Redfish and of IPMI, beside each other. That of Redfish repeats its request when its connection is
// closed, as sushy does: the process closes the one that has been silent for the longest time if there are too many.
var redfishClients = append([]client{{"curl", []string{
	"curl", "--silent", "--show-error", "--fail", "--insecure", "--retry", "5", "--retry-all-errors", "--retry-delay", "1", "--max-time", fmt.Sprint(clientPatience.Seconds()),
	"--user", "admin:sesame", "https://127.0.0.1:HTTPS/redfish/v1/Systems/node-0",
}}}, clients...)

// TestRedfishFlood has clients of Redfish and of IPMI log in while others guess passwords over both, hold connections open that
// say nothing or little, and send what is no request.
func TestRedfishFlood(t *testing.T) {
	s := start(t)
	for _, c := range redfishClients {
		s.login(t, c) // the program is warm
	}
	before := s.memory(t)

	ctx, cancel := context.WithTimeout(t.Context(), *duration)
	defer cancel()
	var flood, logins sync.WaitGroup
	var refused, garbage, guesses atomic.Int64
	for i := range halfOpen {
		flood.Go(func() { s.keepsOpen(ctx, i, "\x16\x03\x01\x02\x00\x01", 0) }) // the first bytes of a ClientHello
	}
	for i := range slow {
		flood.Go(func() { s.keepsOpen(ctx, i, "", time.Second) })
	}
	flood.Go(func() {
		paced(ctx, *share*connectionRate/2, func(i int) {
			flood.Go(func() { s.talks(ctx, i, badRequest(i), &garbage) })
		})
	})
	flood.Go(func() {
		guess := "POST /redfish/v1/Systems/%d HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWRtaW46Z3Vlc3M=\r\nContent-Length: 0\r\n\r\n"
		paced(ctx, *share*connectionRate/2, func(i int) {
			flood.Go(func() { s.talks(ctx, i, fmt.Sprintf(guess, i), &refused) })
		})
	})
	flood.Go(func() {
		tally := attempts(t, ctx, s.addr, *share*halfOpenRate/10)
		guesses.Add(tally.opened)
	})
	took := make(map[string][]time.Duration)
	descriptors := 0
	logins.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			c := redfishClients[i%len(redfishClients)]
			took[c.name] = append(took[c.name], s.login(t, c))
			descriptors = max(descriptors, s.descriptors(t))
		}
	})
	logins.Wait()
	flood.Wait()
	after := s.memory(t)

	t.Logf("answers to %d guesses and to %d bad requests; %d half-open sessions of IPMI", refused.Load(), garbage.Load(), guesses.Load())
	for name, all := range took {
		slices.Sort(all)
		t.Logf("%s: %d logins, none failed; median %v, longest %v", name, len(all), all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
		require.Less(t, all[len(all)-1], clientPatience)
	}
	t.Logf("resident memory: %.1f MiB before, %.1f MiB at most; %d descriptors at most", before.resident, after.peak, descriptors)
	for _, line := range s.log(t) {
		t.Logf("log: %s", line)
	}
	require.NotZero(t, refused.Load())
	require.NotZero(t, garbage.Load())
	require.Less(t, after.peak-before.resident, float64(maxGrowth))
	require.Less(t, descriptors, maxDescriptors)
	require.Less(t, len(s.log(t)), 100+10*int(duration.Minutes()), "the log is flooded as well")
}

// dial opens a connection from one of the addresses of a network that is not that of the clients.
func (s *server) dial(ctx context.Context, network byte, i int) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, network, byte(i%sources+1))}, Timeout: clientPatience}
	return d.DialContext(ctx, "tcp4", s.https.String())
}

// keepsOpen holds a connection, and opens another one when it is closed. It sends its first bytes in the clear, or else a request
// over TLS, of which each byte takes a while.
func (s *server) keepsOpen(ctx context.Context, i int, first string, each time.Duration) {
	for ; ctx.Err() == nil; time.Sleep(time.Second) {
		c, err := s.dial(ctx, 3, i)
		if err != nil {
			continue
		}
		leave := context.AfterFunc(ctx, func() { c.Close() })
		_, _ = io.WriteString(c, first)
		if each > 0 {
			encrypted := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			for b := range slices.Values([]byte("GET /redfish HTTP/1.1\r\nX-" + strings.Repeat("a", 1000))) {
				if _, err := encrypted.Write([]byte{b}); err != nil {
					break
				}
				time.Sleep(each)
			}
		}
		_, _ = io.Copy(io.Discard, c) // until it is closed
		leave()
		c.Close()
	}
}

// talks sends a request, and counts it if there is an answer.
func (s *server) talks(ctx context.Context, i int, request string, answered *atomic.Int64) {
	c, err := s.dial(ctx, 4, i)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	encrypted := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(encrypted, request); err != nil {
		return
	}
	if n, _ := encrypted.Read(make([]byte, 1024)); n > 0 {
		answered.Add(1)
	}
}

// badRequest is a request with something wrong in its first line, its header or its JSON.
func badRequest(i int) string {
	const session = "POST /redfish/v1/SessionService/Sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	noise := make([]byte, 64)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	body := func(text string) string {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", session, len(text), text)
	}
	all := []string{
		string(noise) + "\r\n\r\n",
		"GET\r\n\r\n",
		"GET /redfish HTTP/9.9\r\n\r\n",
		"GET /redfish HTTP/1.1\r\nHost: a\r\n" + string(noise) + ": b\r\n\r\n",
		"GET /redfish HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 20_000) + "\r\n\r\n",
		session + "Content-Length: -1\r\n\r\n",
		session + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
		session + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
		session + "Content-Length: 100000000\r\n\r\n" + strings.Repeat("a", 70_000),
		body(string(noise)),
		body(strings.Repeat("[", 60_000)),
		body(`{"UserName":` + strings.Repeat(`{"a":`, 10_000)),
	}
	return all[i%len(all)]
}

// descriptors is how many descriptors the process has open.
func (s *server) descriptors(t *testing.T) int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid))
	require.NoError(t, err)
	return len(all)
}
