package session

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// A rig is a table with its clock, its file and its log. It answers each request in a session with a copy of it.
type rig struct {
	*Table
	t          testing.TB
	dir        string
	config     Config
	now        time.Duration
	log        *bytes.Buffer
	duplicates int
}

func newRig(t testing.TB) *rig {
	log := new(bytes.Buffer)
	r := &rig{t: t, dir: t.TempDir(), now: time.Hour, log: log, config: Config{
		Users: []User{
			{ID: 2, Name: "admin", Limit: rmcp.Administrator, Password: func() []byte { return []byte("correct horse") }},
			{ID: 3, Name: "oper", Limit: rmcp.Operator, Password: func() []byte { return []byte("battery staple") }},
		},
		Kg:      func() []byte { return nil },
		GUID:    [16]byte{15: 0x2F},
		Suites:  []rmcp.Suite{rmcp.Suite3, rmcp.Suite17},
		Timeout: time.Minute,
		Random:  rand.NewChaCha8([32]byte{}),
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	}}
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	table, err := NewTable(r.dir, r.config, r.now)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { table.Close() })
	r.Table = table
}

// restart ends the process in order and starts the next one.
func (r *rig) restart() {
	r.t.Helper()
	require.NoError(r.t, r.Close())
	r.start()
}

// kill starts the next process with the present content of the file. No call of the table writes the record of a session
// twice, so it is enough to kill the process before and after calls.
func (r *rig) kill() {
	r.t.Helper()
	content := r.read()
	r.dir = r.t.TempDir()
	r.write(content)
	r.start()
}

func (r *rig) path() string { return filepath.Join(r.dir, fileName) }

func (r *rig) read() []byte {
	r.t.Helper()
	content, err := os.ReadFile(r.path())
	require.NoError(r.t, err)
	return content
}

func (r *rig) write(content []byte) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(r.path(), content, 0o600))
}

// from returns a function that sends a datagram of c.
func (r *rig) from(c *console.Console) func([]byte) []byte {
	return func(b []byte) []byte { return r.send(c, b) }
}

// send delivers a datagram of c and returns the answer, or nil.
func (r *rig) send(c *console.Console, b []byte) []byte {
	r.t.Helper()
	p := r.parse(b)
	switch p.Type {
	case rmcp.PayloadOpenRequest:
		q, err := rmcp.ParseOpenRequest(p.Payload)
		require.NoError(r.t, err)
		return rmcp.AppendPacket(nil, rmcp.PayloadOpenResponse, r.Open(q, c.Peer, r.now).Append(nil))
	case rmcp.PayloadRAKP1:
		q, err := rmcp.ParseRAKP1(p.Payload)
		require.NoError(r.t, err)
		if a, ok := r.RAKP1(q, c.Peer, r.now); ok {
			return rmcp.AppendPacket(nil, rmcp.PayloadRAKP2, a.Append(nil))
		}
	case rmcp.PayloadRAKP3:
		q, err := rmcp.ParseRAKP3(p.Payload)
		require.NoError(r.t, err)
		if a, ok := r.RAKP3(q, c.Peer, r.now); ok {
			return rmcp.AppendPacket(nil, rmcp.PayloadRAKP4, a.Append(nil))
		}
	default:
		return r.echo(c, p)
	}
	return nil
}

func (r *rig) parse(b []byte) rmcp.Packet {
	r.t.Helper()
	_, rest, err := rmcp.ParseHeader(b)
	require.NoError(r.t, err)
	p, err := rmcp.ParsePacket(rest)
	require.NoError(r.t, err)
	return p
}

func (r *rig) echo(c *console.Console, p rmcp.Packet) []byte {
	r.t.Helper()
	s, plain, err := r.Receive(p, c.Peer, r.now)
	if errors.Is(err, ErrDuplicate) {
		r.duplicates++
	}
	if err != nil {
		return nil
	}
	answer, err := r.Seal(nil, s, rmcp.PayloadIPMI, plain)
	require.NoError(r.t, err)
	return answer
}

// requireEcho checks that the session of c answers, and returns the sequence number of the answer.
func (r *rig) requireEcho(c *console.Console, plain string) (sequence uint32) {
	r.t.Helper()
	answer := r.send(c, c.Packet(plain))
	require.NotNil(r.t, answer, "no answer: %s", r.log)
	sequence, got := c.Read(answer)
	require.Equal(r.t, plain, got)
	return sequence
}

// outcome describes an answer: "-" for none, "ok" for a packet in the session, or the status of a message of the key
// exchange.
func outcome(answer []byte) string {
	switch {
	case answer == nil:
		return "-"
	case answer[5] == 0xC0:
		return "ok"
	default:
		return rmcp.Status(answer[17]).String()
	}
}
