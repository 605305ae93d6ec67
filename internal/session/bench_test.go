package session

import (
	"fmt"
	"strings"
	"testing"
)

// eachSuiteOf measures in a session of every suite.
func eachSuiteOf(b *testing.B, measure func(b *testing.B, suite byte)) {
	for _, suite := range []byte{3, 17} {
		b.Run(fmt.Sprintf("suite=%d", suite), func(b *testing.B) {
			b.ReportAllocs()
			measure(b, suite)
		})
	}
}

// A request: checked, decrypted and saved.
func BenchmarkReceive(b *testing.B) {
	eachSuiteOf(b, func(b *testing.B, suite byte) {
		m, c := inSession(b, suite)
		s, p := m.Find(c.SIDc, m.now), m.parse(c.Packet("Get Device ID"))
		for b.Loop() {
			s.received = window{} // it is always the same packet
			if _, _, err := m.Receive(p, c.Peer, m.now); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// An answer under a number that was saved with its request.
func BenchmarkSeal(b *testing.B) {
	eachSuiteOf(b, func(b *testing.B, suite byte) {
		m, c := inSession(b, suite)
		s, answer, out := m.Find(c.SIDc, m.now), []byte(strings.Repeat("x", 24)), make([]byte, 0, 128)
		for b.Loop() {
			s.reserved = next(s.sent)
			if _, err := m.Seal(out, s, answer); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A whole key exchange, the console's half included.
func BenchmarkLogin(b *testing.B) {
	eachSuiteOf(b, func(b *testing.B, suite byte) {
		m, c := inSession(b, suite)
		for b.Loop() {
			m.End(m.Find(c.SIDc, m.now), m.now)
			c.Login(m.from(c))
		}
	})
}

// What every packet of a session writes.
func BenchmarkSave(b *testing.B) {
	for _, n := range []int{1, MaxActive} {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			m, c := inSession(b, 17)
			sessions := []*Session{m.Find(c.SIDc, m.now)}
			for len(sessions) < n {
				c.Login(m.from(c))
				sessions = append(sessions, m.Find(c.SIDc, m.now))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := m.save(sessions[i%n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
