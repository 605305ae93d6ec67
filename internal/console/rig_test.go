package console

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	alice = 0x0A11CE00
	bob   = 0x00B0B000
	carol = 0x0CA10100
	never = time.Duration(1<<63 - 1)
)

// client returns the client of a session.
func client(session uint32) Client {
	return Client{
		Session: session,
		User:    map[uint32]string{alice: "alice", bob: "bob", carol: "carol"}[session],
		Peer:    netip.MustParseAddrPort("192.0.2.7:40000"),
		Local:   netip.MustParseAddrPort("192.0.2.1:623"),
	}
}

// A rig is a line and its surroundings: disk, storage, terminal, clock.
type rig struct {
	t *testing.T
	*Line
	now      time.Duration
	heard    map[uint32]time.Duration
	sequence uint32
	disk     []byte
	storage  []byte
	writes   int
	typed    []byte
	deaf     bool // the script reads nothing
	sent     []Packet
}

// newRig returns a line with a script, without replay.
func newRig(t *testing.T) *rig {
	r := &rig{t: t, now: time.Hour, heard: make(map[uint32]time.Duration), storage: make([]byte, StorageLen)}
	r.Line = New(r.storage, DefaultSettings)
	r.Replay = false
	r.Heard = func(session uint32) time.Duration { return r.heard[session] }
	r.Connect()
	return r
}

// opened returns a rig on which alice has instance 1.
func opened(t *testing.T) *rig {
	r := newRig(t)
	require.Equal(t, Granted, r.activate(1, alice))
	r.pass(time.Second)
	return r
}

func (r *rig) activate(instance int, session uint32) Refusal {
	r.heard[session] = r.now
	return r.Activate(instance, client(session), r.now)
}

// settle does what the caller of a Line does after every event.
func (r *rig) settle() {
	r.t.Helper()
	for more := true; more; {
		if page := r.Unsaved(r.now); page != nil {
			require.Len(r.t, page, SavedLen)
			r.disk = slices.Clone(page)
			r.writes++
			r.Saved()
			require.Nil(r.t, r.Unsaved(r.now))
		}
		for _, p := range r.Packets(r.now) {
			p.Data = append([]byte{}, p.Data...)
			r.sent = append(r.sent, p)
		}
		more = false
		if !r.deaf {
			b := r.Typed()
			r.typed = append(r.typed, b...)
			more = len(b) > 0
		}
	}
}

// pass lets time pass, and does what is due.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	end := r.now + d
	for r.settle(); r.Due(never) <= end; r.settle() {
		r.now = max(r.now, r.Due(never))
	}
	r.now = end
	r.settle()
}

// prints has the script print.
func (r *rig) prints(text string) {
	r.t.Helper()
	for len(text) > 0 {
		n := copy(r.Room(), text)
		require.Positive(r.t, n, "the script blocks")
		r.Printed(n, r.now)
		text = text[n:]
	}
	r.settle()
}

// from has a session send a packet.
func (r *rig) from(session uint32, p rmcp.SOL) {
	r.t.Helper()
	r.sequence++
	r.heard[session] = r.now
	r.Receive(session, r.sequence, p, r.now)
	r.settle()
}

// data is a packet with characters.
func data(number rmcp.SOLNumber, text string) rmcp.SOL {
	return rmcp.SOL{Number: number, Data: []byte(text)}
}

// ack is a packet that acknowledges.
func ack(number rmcp.SOLNumber, accepted int) rmcp.SOL {
	return rmcp.SOL{Acked: number, Accepted: byte(accepted), Data: []byte{}}
}

// took returns the packets that were sent since the last call.
func (r *rig) took() []Packet {
	sent := r.sent
	r.sent = nil
	return sent
}

// requireSent checks all packets to a session since the last call.
func (r *rig) requireSent(session uint32, want ...rmcp.SOL) {
	r.t.Helper()
	var got []rmcp.SOL
	for _, p := range r.took() {
		require.Equal(r.t, session, p.Session)
		got = append(got, p.SOL)
	}
	require.Equal(r.t, want, got)
}

// acknowledgeAll has a session acknowledge output until none comes, and returns the
// output.
func (r *rig) acknowledgeAll(session uint32) string {
	r.t.Helper()
	var all strings.Builder
	for {
		r.pass(100 * time.Millisecond)
		more := false
		for _, p := range r.took() {
			if p.Session == session && p.Number != 0 {
				all.Write(p.Data)
				r.from(session, ack(p.Number, len(p.Data)))
				more = true
			}
		}
		if !more {
			return all.String()
		}
	}
}

// restart replaces the process by one that knows only the disk and the storage.
func (r *rig) restart() {
	r.t.Helper()
	settings := r.Settings
	line, err := Restore(r.disk, r.storage, settings, r.now)
	require.NoError(r.t, err)
	line.Heard = r.Heard
	line.Connect()
	r.Line = line
}

func fill(n int) string { return string(bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n]) }
