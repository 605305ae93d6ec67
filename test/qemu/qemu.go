// Package qemu plays QEMU's external BMC and the guest behind it, for tests. It is written
// from hw/ipmi/ipmi_bmc_extern.c of QEMU 7.2 and shares no code with what it tests: it sends one
// request at a time, gives up after 4 s, drops answers that it does not wait for, and connects
// again when the connection breaks. Start reading at Guest.Ask.
package qemu

import (
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Bytes of the protocol.
const (
	msgChar    = 0xA0
	cmdChar    = 0xA1
	escapeChar = 0xAA
)

const (
	patience = 4 * time.Second
	pause    = 100 * time.Millisecond // reconnect-ms
)

// Completion codes that QEMU gives instead of an answer.
const (
	TimedOut     = "c3"
	Disconnected = "d2"
)

// A Guest is QEMU and its guest. Its requests must not run at the same time.
type Guest struct {
	t    testing.TB
	path string

	mu        sync.Mutex
	conn      net.Conn // nil: not connected
	connects  int
	closed    bool
	commands  []byte // the first bytes of the commands that came
	messageID byte
	waiting   chan []byte // nil: for no answer
	changed   *sync.Cond
}

// Start returns a guest that is connected to the socket with a path.
func Start(t testing.TB, path string) *Guest {
	g := &Guest{t: t, path: path}
	g.changed = sync.NewCond(&g.mu)
	ended := make(chan struct{})
	go func() { defer close(ended); g.run() }()
	t.Cleanup(func() { g.Stop(); <-ended })
	g.Until(func() bool { return g.conn != nil })
	return g
}

// Stop ends QEMU.
func (g *Guest) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.conn != nil {
		g.conn.Close()
	}
}

// Until waits until a condition holds, which is looked at whenever something has changed.
func (g *Guest) Until(holds func() bool) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	late := false
	timer := time.AfterFunc(time.Minute, func() {
		g.mu.Lock()
		late = true
		g.mu.Unlock()
		g.changed.Broadcast()
	})
	defer timer.Stop()
	for !holds() && !late {
		g.changed.Wait()
	}
	require.False(g.t, late, "commands so far: % x", g.commands)
}

// UntilCommand waits until a command has come, and forgets the commands up to it.
func (g *Guest) UntilCommand(command byte) {
	g.t.Helper()
	g.Until(func() bool {
		for i, c := range g.commands {
			if c == command {
				g.commands = g.commands[i+1:]
				return true
			}
		}
		return false
	})
}

// Connects is how often QEMU has connected.
func (g *Guest) Connects() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connects
}

// run connects, and reads what comes.
func (g *Guest) run() {
	for {
		conn, err := net.Dial("unix", g.path)
		g.mu.Lock()
		if g.closed {
			g.mu.Unlock()
			if err == nil {
				conn.Close()
			}
			return
		}
		if err == nil {
			g.conn = conn
			g.connects++
			_, _ = conn.Write([]byte{0xFF, 1, cmdChar, 8, 0x3F, cmdChar}) // version, capabilities
			g.changed.Broadcast()
			g.mu.Unlock()
			g.receive(conn)
			g.mu.Lock()
			g.conn = nil
			if g.waiting != nil {
				g.waiting <- nil
				g.waiting = nil
			}
		}
		g.mu.Unlock()
		time.Sleep(pause)
	}
}

// receive is receive of QEMU.
func (g *Guest) receive(conn net.Conn) {
	var in []byte
	inEscape := false
	b := make([]byte, 1)
	for {
		if n, err := conn.Read(b); n == 0 || err != nil {
			return
		}
		switch ch := b[0]; ch {
		case msgChar:
			g.message(in, inEscape)
			in = nil
		case cmdChar:
			if !inEscape && len(in) > 0 {
				g.mu.Lock()
				g.commands = append(g.commands, in[0])
				g.changed.Broadcast()
				g.mu.Unlock()
			}
			in, inEscape = nil, false
		case escapeChar:
			inEscape = true
		default:
			if inEscape {
				ch &^= 0x10
				inEscape = false
			}
			in = append(in, ch)
		}
	}
}

// message is handle_msg of QEMU, and what its interface does: an answer to another request is
// dropped.
func (g *Guest) message(in []byte, inEscape bool) {
	var sum byte
	for _, v := range in {
		sum += v
	}
	if inEscape || len(in) < 5 || sum != 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting != nil && in[0] == g.messageID {
		g.waiting <- in[1 : len(in)-1]
		g.waiting = nil
	}
}

// Ask sends a request like "00/02 01", and returns completion code and data like "00 01".
func (g *Guest) Ask(request string) string {
	g.t.Helper()
	head, data, _ := strings.Cut(request, " ")
	code, err := strconv.ParseUint(strings.ReplaceAll(head, "/", ""), 16, 16)
	require.NoError(g.t, err, request)
	body, err := hex.DecodeString(strings.ReplaceAll(data, " ", ""))
	require.NoError(g.t, err, request)
	netFn, cmd := byte(code>>8)<<2, byte(code)

	g.mu.Lock()
	g.messageID++
	conn := g.conn
	if conn == nil {
		g.mu.Unlock()
		return Disconnected
	}
	answer := make(chan []byte, 1)
	g.waiting = answer
	frame := Frame(append([]byte{g.messageID, netFn, cmd}, body...))
	g.mu.Unlock()
	if _, err := conn.Write(frame); err != nil {
		return Disconnected
	}
	select {
	case said := <-answer:
		if said == nil {
			return Disconnected
		}
		require.Equal(g.t, []byte{netFn | 4, cmd}, said[:2], request)
		return fmt.Sprintf("% x", said[2:])
	case <-time.After(patience):
		g.mu.Lock()
		g.waiting = nil
		g.mu.Unlock()
		return TimedOut
	}
}

// Send sends bytes as they are, beside the requests.
func (g *Guest) Send(b []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NotNil(g.t, g.conn)
	_, err := g.conn.Write(b)
	require.NoError(g.t, err)
}

// Frame adds the checksum to a message, and escapes it.
func Frame(message []byte) (out []byte) {
	var sum byte
	add := func(ch byte) {
		sum += ch
		switch ch {
		case msgChar, cmdChar, escapeChar:
			out = append(out, escapeChar, ch|0x10)
		default:
			out = append(out, ch)
		}
	}
	for _, ch := range message {
		add(ch)
	}
	add(-sum)
	return append(out, msgChar)
}
