package client

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/test/console"
)

// A fakeBMC answers the key exchange and requests as the specification says, on the
// cryptography of the test console. The test does what concerns the console, and decides which
// packets are lost. It is the connection of the client.
type fakeBMC struct {
	t     *testing.T
	codes console.Console // computes what the client must send
	wire  console.Console // seals and opens packets as the BMC

	mu      sync.Mutex      // guards what follows
	answers map[byte][]byte // completion code and data by the command
	lose    int             // how many datagrams of the client are lost from now on
	dead    bool            // nothing is answered

	toClient chan []byte
	sol      chan string // SOL payloads of the client, after the header
	requests []byte      // commands that the client sent in the session
}

var errRefused = errors.New("connection refused")

func newFakeBMC(t *testing.T, suite byte) *fakeBMC {
	b := &fakeBMC{
		t: t, codes: *console.New(t, suite), toClient: make(chan []byte, 100), sol: make(chan string, 100),
		answers: map[byte][]byte{
			setSessionPrivilege: {0, 4},
			activatePayload:     {0, 0, 0, 0, 0, 0xFF, 0, 0xFF, 0, 0x6F, 0x02, 0xFF, 0xFF},
			deactivatePayload:   {0},
			closeSession:        {0},
			getActivationStatus: {0, 4, 0b0011, 0},
		},
	}
	b.codes.SIDc = 0x11223344
	b.codes.RC, b.codes.GUID = [16]byte{1: 2}, [16]byte{3: 4}
	return b
}

// Read implements io.Reader.
func (b *fakeBMC) Read(to []byte) (int, error) {
	d, ok := <-b.toClient
	if !ok {
		return 0, errRefused
	}
	return copy(to, d), nil
}

// Close implements io.Closer.
func (b *fakeBMC) Close() error {
	close(b.toClient)
	return nil
}

// Write implements io.Writer: the client sends a datagram.
func (b *fakeBMC) Write(d []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.dead:
	case b.lose > 0:
		b.lose--
	default:
		b.handle(d)
	}
	return len(d), nil
}

// prepare sets the answer to a command.
func (b *fakeBMC) prepare(cmd byte, answer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[cmd] = []byte(answer)
}

// dies ends the answers of the BMC.
func (b *fakeBMC) dies() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = true
}

// asked returns the commands that the client has sent in the session.
func (b *fakeBMC) asked() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

func (b *fakeBMC) handle(d []byte) {
	c := &b.codes
	payload := d[16:]
	word := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	answer := func(kind byte, parts ...[]byte) {
		body := append([]byte{payload[0], 0, 0, 0}, word(c.SIDm)...)
		for _, p := range parts {
			body = append(body, p...)
		}
		b.toClient <- console.Datagram(kind, 0, 0, body)
	}
	switch d[5] {
	case 0x10:
		c.SIDm = binary.LittleEndian.Uint32(payload[4:])
		answer(0x11, word(c.SIDc), payload[8:])
	case 0x12:
		c.RM, c.Role = [16]byte(payload[8:24]), payload[24]
		require.Equal(b.t, c.Name, string(payload[28:]))
		code := c.HMAC([]byte(c.Password), c.SIDm, c.SIDc, c.RM[:], c.RC[:], c.GUID[:], c.Role, byte(len(c.Name)), c.Name)
		answer(0x13, c.RC[:], c.GUID[:], code)
	case 0x14:
		want := c.RAKP3()[16:]
		require.Equal(b.t, want, payload)
		c.LearnRAKP2(console.Datagram(0x13, 0, 0, append(append(append([]byte{0, 0, 0, 0}, word(c.SIDm)...), append(c.RC[:], c.GUID[:]...)...), make([]byte, b.codeLen())...)))
		_, n := c.Hash()
		answer(0x15, c.HMAC(c.SIK, c.RM[:], c.SIDc, c.GUID[:])[:n])
		b.wire = *c
		b.wire.SIDm, b.wire.SIDc = c.SIDc, c.SIDm
	case 0xC0:
		_, plain := b.wire.Read(d)
		b.request(plain)
	case 0xC1:
		b.sol <- b.wire.ReadSOL(d)
	}
}

func (b *fakeBMC) codeLen() int {
	create, _ := b.codes.Hash()
	return create().Size()
}

// request answers a request with what the test has prepared.
func (b *fakeBMC) request(plain string) {
	cmd := plain[5]
	b.requests = append(b.requests, cmd)
	data, known := b.answers[cmd]
	if !known {
		return
	}
	body := console.Request(plain[1]>>2|1, cmd, plain[4]>>2, data...)
	b.toClient <- b.wire.Packet(body)
}

// prints sends a SOL packet.
func (b *fakeBMC) prints(number, acked, accepted, status byte, text string) {
	b.toClient <- b.wire.SOL(string([]byte{number, acked, accepted, status}) + text)
}

// next returns the next SOL packet of the client.
func (b *fakeBMC) next() string {
	b.t.Helper()
	synctest.Wait()
	select {
	case p := <-b.sol:
		return p
	default:
		require.Fail(b.t, "the client has sent no SOL packet")
		return ""
	}
}

// silent checks that the client has sent no SOL packet.
func (b *fakeBMC) silent() {
	b.t.Helper()
	synctest.Wait()
	require.Empty(b.t, b.sol)
}

func login(suite byte) session.Login {
	s, _ := rmcp.SuiteByID(suite)
	return session.Login{
		Suite: s, Privilege: rmcp.Administrator, User: "admin",
		Password: func() []byte { return []byte("correct horse") }, Kg: func() []byte { return nil },
	}
}

// counting is a source of numbers that are all different.
type counting byte

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		*c++
		b[i] = byte(*c)
	}
	return len(b), nil
}

func (b *fakeBMC) open() (*Session, error) {
	return Open(b.t.Context(), b, login(b.codes.Suite), new(counting))
}

// A run is a console that is open.
type run struct {
	*fakeBMC
	input  chan Input
	output *io.PipeReader
	ended  chan error
}

// opened has a client open the console.
func opened(t *testing.T) *run {
	b := newFakeBMC(t, 17)
	s, err := b.open()
	require.NoError(t, err)
	c, err := s.Activate(t.Context(), 1)
	require.NoError(t, err)
	reader, writer := io.Pipe()
	r := &run{fakeBMC: b, input: make(chan Input), output: reader, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		reader.Close()
		<-r.ended
		s.conn.Close()
	})
	go func() {
		err := c.Run(ctx, r.input, writer)
		r.ended <- err
		r.ended <- err
	}()
	return r
}

func (r *run) types(text string) { r.input <- Input{Text: []byte(text)} }

// reads returns what was printed next, of at most 64 characters.
func (r *run) reads() string {
	b := make([]byte, 64)
	n, err := r.output.Read(b)
	require.NoError(r.t, err)
	return string(b[:n])
}

// outcome waits until the console has ended.
func (r *run) outcome() error {
	err := <-r.ended
	return err
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
