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

// A machine is a table and the clock, the file and the log around it. Its only
// command echoes the request.
type machine struct {
	*Table
	t          testing.TB
	dir        string
	config     Config
	now        time.Duration
	log        *bytes.Buffer
	duplicates int
}

func newMachine(t testing.TB) *machine {
	log := new(bytes.Buffer)
	m := &machine{t: t, dir: t.TempDir(), now: time.Hour, log: log, config: Config{
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
	m.start()
	return m
}

func (m *machine) start() {
	m.t.Helper()
	table, err := NewTable(m.dir, m.config, m.now)
	require.NoError(m.t, err)
	m.t.Cleanup(func() { table.Close() })
	m.Table = table
}

// restart ends the process in order and starts another.
func (m *machine) restart() {
	m.t.Helper()
	require.NoError(m.t, m.Close())
	m.start()
}

// kill goes on with what is in the file this instant. No call of the table
// writes the record of one session twice, so that before and after a call are
// all the instants there are.
func (m *machine) kill() {
	m.t.Helper()
	content := m.read()
	m.dir = m.t.TempDir()
	m.write(content)
	m.start()
}

func (m *machine) path() string { return filepath.Join(m.dir, fileName) }

func (m *machine) read() []byte {
	m.t.Helper()
	content, err := os.ReadFile(m.path())
	require.NoError(m.t, err)
	return content
}

func (m *machine) write(content []byte) {
	m.t.Helper()
	require.NoError(m.t, os.WriteFile(m.path(), content, 0o600))
}

// from is send for one console.
func (m *machine) from(c *console.Console) func([]byte) []byte {
	return func(b []byte) []byte { return m.send(c, b) }
}

// send delivers a datagram and returns the answer, if there is one.
func (m *machine) send(c *console.Console, b []byte) []byte {
	m.t.Helper()
	p := m.parse(b)
	switch p.Type {
	case rmcp.PayloadOpenRequest:
		q, err := rmcp.ParseOpenRequest(p.Payload)
		require.NoError(m.t, err)
		return rmcp.AppendPacket(nil, rmcp.PayloadOpenResponse, m.Open(q, c.Peer, m.now).Append(nil))
	case rmcp.PayloadRAKP1:
		q, err := rmcp.ParseRAKP1(p.Payload)
		require.NoError(m.t, err)
		if a, ok := m.RAKP1(q, c.Peer, m.now); ok {
			return rmcp.AppendPacket(nil, rmcp.PayloadRAKP2, a.Append(nil))
		}
	case rmcp.PayloadRAKP3:
		q, err := rmcp.ParseRAKP3(p.Payload)
		require.NoError(m.t, err)
		if a, ok := m.RAKP3(q, c.Peer, m.now); ok {
			return rmcp.AppendPacket(nil, rmcp.PayloadRAKP4, a.Append(nil))
		}
	default:
		return m.echo(c, p)
	}
	return nil
}

func (m *machine) parse(b []byte) rmcp.Packet {
	m.t.Helper()
	_, rest, err := rmcp.ParseHeader(b)
	require.NoError(m.t, err)
	p, err := rmcp.ParsePacket(rest)
	require.NoError(m.t, err)
	return p
}

func (m *machine) echo(c *console.Console, p rmcp.Packet) []byte {
	m.t.Helper()
	s, plain, err := m.Receive(p, c.Peer, m.now)
	if errors.Is(err, ErrDuplicate) {
		m.duplicates++
	}
	if err != nil {
		return nil
	}
	answer, err := m.Seal(nil, s, plain)
	require.NoError(m.t, err)
	return answer
}

// requireEcho checks that the session of c is alive.
func (m *machine) requireEcho(c *console.Console, plain string) (sequence uint32) {
	m.t.Helper()
	answer := m.send(c, c.Packet(plain))
	require.NotNil(m.t, answer, "no answer: %s", m.log)
	sequence, got := c.Read(answer)
	require.Equal(m.t, plain, got)
	return sequence
}

// outcome tells an answer in a word: "-" none, "ok" a packet in the session, or
// the status of a setup message.
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
