package serial

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/script"
)

// A rig is a port with a real console script on a real pseudoterminal, and a file in a real directory. Its clients are
// in memory and acknowledge every packet. Its clock is real, and can be put forward.
type rig struct {
	t        *testing.T
	dir      string
	runner   *script.Runner
	port     *Port
	terminal *script.Terminal // of the script that was started last
	connects int
	hold     chan struct{} // Connect waits for it
	log      bytes.Buffer

	offset time.Duration // of the clock
	serves int           // calls of Serve

	clients  map[uint32]*client
	sequence uint32 // of the latest datagram

	mu   sync.Mutex
	done []func()
	wake [2]int // a pipe that ends the wait
}

// A client has the console open in a session.
type client struct {
	silent   bool // it acknowledges nothing
	seen     []byte
	got      rmcp.SOLNumber
	owed     bool // an acknowledgment
	accepted byte
	acks     []rmcp.SOL // of what it typed
}

func newRig(t *testing.T, connect string) *rig {
	dir := t.TempDir()
	file := filepath.Join(dir, "test.conf")
	require.NoError(t, os.WriteFile(file, []byte("[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = "+connect+"\n"), 0o600))
	p, err := provider.Load(file)
	require.NoError(t, err)
	stderr := func(provider.Verb) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
	r := &rig{
		t: t, dir: t.TempDir(), clients: make(map[uint32]*client),
		runner: &script.Runner{Provider: p, Name: "node-0", StateDir: dir, Environ: os.Environ(), Stderr: stderr},
	}
	require.NoError(t, unix.Pipe2(r.wake[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
	t.Cleanup(func() {
		if r.port.terminal != nil {
			r.port.terminal.End()
		}
		unix.Close(r.wake[0])
		unix.Close(r.wake[1])
	})
	return r
}

// opened returns a rig with a new port, and a client that has the console open.
func opened(t *testing.T, connect string) (*rig, *client) {
	r := newRig(t, connect)
	r.start(nil)
	c, err := r.opens(1)
	require.NoError(t, err)
	return r, c
}

// start opens the port of a new process, for which systemd has kept a terminal, or none.
func (r *rig) start(kept *script.Terminal) {
	c := Config{
		Dir: r.dir, Settings: console.DefaultSettings, Expires: time.Minute, Now: r.now,
		Connect: func(context.Context) (Terminal, error) {
			if r.hold != nil {
				<-r.hold
			}
			terminal, err := r.runner.Connect()
			if err != nil {
				return nil, err
			}
			r.terminal = terminal
			r.connects++
			return terminal, nil
		},
		Break: func(context.Context) error { return provider.ErrNoScript },
		Later: r.later,
		Log:   slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	if kept != nil {
		c.Kept = kept
	}
	r.port = Open(c, r.now())
	r.port.Attach(r)
}

// now is the time since a boot an hour before the test.
func (r *rig) now() time.Duration {
	var t unix.Timespec
	require.NoError(r.t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &t))
	return time.Hour + time.Duration(t.Nano()) + r.offset
}

func (r *rig) later(do func() func()) error {
	go func() {
		then := do()
		r.mu.Lock()
		r.done = append(r.done, then)
		r.mu.Unlock()
		r.Wake()
	}()
	return nil
}

// Wake implements Front.
func (r *rig) Wake() { _, _ = unix.Write(r.wake[1], []byte{0}) }

// Heard implements Front.
func (r *rig) Heard(session uint32) (time.Duration, bool) {
	_, alive := r.clients[session]
	return r.now(), alive
}

// SendSOL implements Front.
func (r *rig) SendSOL(p console.Packet) {
	c := r.clients[p.Session]
	if p.Acked != 0 {
		c.acks = append(c.acks, rmcp.SOL{Acked: p.Acked, Accepted: p.Accepted, Flags: p.Flags})
	}
	if p.Number == 0 {
		return
	}
	if p.Number != c.got {
		c.seen = append(c.seen, p.Data...)
	}
	c.got, c.owed, c.accepted = p.Number, !c.silent, byte(len(p.Data))
}

// opens opens an instance for a new client.
func (r *rig) opens(instance int) (*client, error) {
	session := uint32(100 + len(r.clients))
	c := new(client)
	r.clients[session] = c
	refusal, err := r.port.Activate(instance, console.Client{Session: session, User: "admin"})
	require.Equal(r.t, console.Granted, refusal)
	return c, err
}

// packet delivers a packet of a session.
func (r *rig) packet(session uint32, p rmcp.SOL) {
	r.sequence++
	require.NoError(r.t, r.port.Receive(session, r.sequence, p))
	r.port.Serve()
}

// types has a client type characters, at most 255 in a packet, and returns how many of them were accepted within the
// time.
func (r *rig) types(session uint32, text string, limit time.Duration) (accepted int) {
	number := rmcp.SOLNumber(0)
	c, end := r.clients[session], r.now()+limit
	for len(text) > accepted && r.now() < end {
		c.acks, number = nil, number.Next()
		r.packet(session, rmcp.SOL{Number: number, Data: []byte(text[accepted:min(len(text), accepted+255)])})
		if !r.until(limit, func() bool { return len(c.acks) > 0 }) {
			return accepted
		}
		accepted += int(c.acks[0].Accepted)
	}
	return accepted
}

// until serves until something is true, and returns false if it is not after the time.
func (r *rig) until(limit time.Duration, what func() bool) bool {
	r.t.Helper()
	for end := time.Now().Add(limit); !what(); {
		if time.Now().After(end) {
			return false
		}
		r.serve(time.Until(end))
	}
	return true
}

// serve waits as the BMC does, and serves.
func (r *rig) serve(limit time.Duration) {
	r.acknowledge()
	fd, events := r.port.Watch()
	wait := min(limit, max(0, r.port.Due(time.Hour*1000)-r.now()))
	for _, c := range r.clients {
		if c.owed {
			wait = 0
		}
	}
	fds := []unix.PollFd{{Fd: int32(r.wake[0]), Events: unix.POLLIN}, {Fd: int32(fd), Events: events}}
	_, err := unix.Poll(fds, int((wait+time.Millisecond-1)/time.Millisecond))
	require.True(r.t, err == nil || errors.Is(err, unix.EINTR), err)
	_, _ = unix.Read(r.wake[0], make([]byte, 64))
	r.mu.Lock()
	done := r.done
	r.done = nil
	r.mu.Unlock()
	for _, then := range done {
		then()
	}
	r.serves++
	r.port.Serve()
}

// acknowledge delivers the acknowledgments of all clients, and those of what follows.
func (r *rig) acknowledge() {
	for session, c := range r.clients {
		for n := 0; c.owed && n < 64; n++ {
			c.owed = false
			r.packet(session, rmcp.SOL{Acked: c.got, Accepted: c.accepted})
		}
	}
}

// sees waits until a client has seen a text.
func (r *rig) sees(c *client, text string) {
	r.t.Helper()
	if !r.until(20*time.Second, func() bool { return bytes.Contains(c.seen, []byte(text)) }) {
		require.Contains(r.t, string(c.seen[max(0, len(c.seen)-1000):]), text)
	}
}
