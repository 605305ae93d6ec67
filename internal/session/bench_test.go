package session

import (
	"strings"
	"testing"
)

// One request and its answer, both saved: what a datagram costs.
func BenchmarkReceiveSeal(b *testing.B) {
	for name, suite := range map[string]byte{"suite=3": 3, "suite=17": 17} {
		b.Run(name, func(b *testing.B) {
			m, c := inSession(b, suite)
			s, p := m.Find(c.SIDc, m.now), m.parse(c.Packet("Get Device ID"))
			answer, out := []byte(strings.Repeat("x", 24)), make([]byte, 0, 128)
			b.ReportAllocs()
			for b.Loop() {
				s.received = window{} // it is always the same packet
				if _, _, err := m.Receive(p, c.Peer, m.now); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Seal(out, s, answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
