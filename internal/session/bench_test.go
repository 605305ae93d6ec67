package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// eachSuiteOf measures with each suite.
func eachSuiteOf(b *testing.B, measure func(b *testing.B, suite byte)) {
	for _, suite := range []byte{3, 17} {
		b.Run(fmt.Sprintf("suite=%d", suite), func(b *testing.B) {
			b.ReportAllocs()
			measure(b, suite)
		})
	}
}

// BenchmarkReceive checks, decrypts and saves a request.
func BenchmarkReceive(b *testing.B) {
	eachSuiteOf(b, func(b *testing.B, suite byte) {
		r, c := inSession(b, suite)
		s, p := r.Find(c.SIDc, r.now), r.parse(c.Packet("Get Device ID"))
		for b.Loop() {
			s.received = window{} // the packet is always the same
			if _, _, err := r.Receive(p, c.Peer, r.now); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSeal makes a response whose number was saved with the request.
func BenchmarkSeal(b *testing.B) {
	eachSuiteOf(b, func(b *testing.B, suite byte) {
		r, c := inSession(b, suite)
		s, answer, out := r.Find(c.SIDc, r.now), []byte(strings.Repeat("x", 24)), make([]byte, 0, 128)
		for b.Loop() {
			s.reserved = next(s.sent)
			if _, err := r.Seal(out, s, rmcp.PayloadIPMI, answer); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLogin is a whole key exchange, including the work of the client.
func BenchmarkLogin(b *testing.B) {
	eachSuiteOf(b, func(b *testing.B, suite byte) {
		r, c := inSession(b, suite)
		for b.Loop() {
			r.End(r.Find(c.SIDc, r.now), r.now)
			c.Login(r.from(c))
		}
	})
}

// BenchmarkSave writes the record that each packet of a session writes.
func BenchmarkSave(b *testing.B) {
	for _, n := range []int{1, MaxActive} {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			r, c := inSession(b, 17)
			sessions := []*Session{r.Find(c.SIDc, r.now)}
			for len(sessions) < n {
				c.Login(r.from(c))
				sessions = append(sessions, r.Find(c.SIDc, r.now))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.save(sessions[i%n])
			}
		})
	}
}
