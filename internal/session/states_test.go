package session

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// What a session answers in each state. The columns are messages, their keys
// those of messages below; the cells are outcomes: no answer, an answer, or a
// refusal that ends the session.
const stateTable = `
              RAKP1  RAKP1-changed  RAKP3  RAKP3-wrong  RAKP3-refusing  packet  packet-forged
	unknown     -      -              -      -            -               -       -
	opened      ok     ok             -      -            -               -       -
	keyed       ok     ok             ok     0f           -               -       -
	active      -      -              ok     -            -               ok      -
	confirmed   -      -              -      -            -               ok      -
	closing     -      -              -      -            -               ok      -
	cut-off     -      -              -      -            -               ok      -
	closed      -      -              -      -            -               -       -
	late-opened -      -              -      -            -               -       -
	late-keyed  -      -              -      -            -               -       -
	late-active -      -              -      -            -               -       -
`

var messages = map[string]func(c *console.Console) []byte{
	"RAKP1": func(c *console.Console) []byte { return c.RAKP1() },
	"RAKP1-changed": func(c *console.Console) []byte {
		c.RM[0]++
		return c.RAKP1()
	},
	"RAKP3": func(c *console.Console) []byte { return c.RAKP3() },
	"RAKP3-wrong": func(c *console.Console) []byte {
		b := c.RAKP3()
		b[len(b)-1]++
		return b
	},
	"RAKP3-refusing": func(c *console.Console) []byte {
		b := c.RAKP3()
		b[17] = byte(rmcp.StatusInvalidIntegrityCheck)
		return b
	},
	"packet": func(c *console.Console) []byte { return c.Packet("x") },
	"packet-forged": func(c *console.Console) []byte {
		b := c.Packet("x")
		b[len(b)-1]++
		return b
	},
}

// bring returns a session in a state of the table.
func bring(t testing.TB, state string) (*machine, *console.Console) {
	m, c := newMachine(t), console.New(t, 17)
	c.SIDc, c.SIK, c.K1, c.K2 = 0x01020304, make([]byte, 32), make([]byte, 32), make([]byte, 32)
	steps := map[string]func(){
		"open":    func() { c.ReadOpen(m.send(c, c.Open())) },
		"RAKP1":   func() { c.ReadRAKP2(m.send(c, c.RAKP1())) },
		"RAKP3":   func() { c.ReadRAKP4(m.send(c, c.RAKP3())) },
		"packet":  func() { m.requireEcho(c, "hello") },
		"end":     func() { require.NoError(t, m.End(m.Find(c.SIDc, m.now), m.now)) },
		"2s":      func() { m.now += closingLife },
		"10s":     func() { m.now += halfOpenLife },
		"60s":     func() { m.now += m.config.Timeout },
		"nothing": func() {},
	}
	path, ok := map[string]string{
		"unknown":     "nothing",
		"opened":      "open",
		"keyed":       "open RAKP1",
		"active":      "open RAKP1 RAKP3",
		"confirmed":   "open RAKP1 RAKP3 packet",
		"closing":     "open RAKP1 RAKP3 packet end",
		"closed":      "open RAKP1 RAKP3 packet end 2s",
		"cut-off":     "open RAKP1 RAKP3 end", // by another session
		"late-opened": "open 10s",
		"late-keyed":  "open RAKP1 10s",
		"late-active": "open RAKP1 RAKP3 packet 60s",
	}[state]
	require.True(t, ok, state)
	for step := range strings.FieldsSeq(path) {
		steps[step]()
	}
	return m, c
}

func TestStates(t *testing.T) {
	words := map[string]string{
		rmcp.StatusOK.String():                    "ok",
		rmcp.StatusInvalidIntegrityCheck.String(): "0f",
	}
	lines := strings.Split(strings.TrimSpace(stateTable), "\n")
	columns := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		state := cells[0]
		for i, want := range cells[1:] {
			for _, restart := range []bool{false, true} {
				name := state + "/" + columns[i]
				if restart {
					name += " after a restart"
				}
				t.Run(name, func(t *testing.T) {
					if restart && state == "opened" {
						t.Skip("it is in no file")
					}
					m, c := bring(t, state)
					if restart {
						m.restart()
					}
					before := m.read()
					got := outcome(m.send(c, messages[columns[i]](c)))
					if word, ok := words[got]; ok {
						got = word
					}
					require.Equal(t, want, got)
					if want == "-" && columns[i] != "RAKP3-refusing" {
						require.Equal(t, before, m.read(), "what is not answered changes nothing")
					}
				})
			}
		}
	}
}

// Nobody takes over a session, or ends it, by going through the key exchange of
// its ID again; not even the user who opened it.
func TestTakeover(t *testing.T) {
	for _, state := range []string{"active", "confirmed"} {
		for name, message := range messages {
			t.Run(state+"/"+name, func(t *testing.T) {
				m, c := bring(t, state)
				thief := *c
				thief.Peer = netip.MustParseAddrPort("198.51.100.1:623")
				m.send(&thief, message(&thief))
				c.Sequence = thief.Sequence
				m.requireEcho(c, "mine")
			})
		}
	}
}

// A console that refuses RAKP Message 2, or fails in RAKP Message 3, begins anew.
func TestFailedExchangeIsOver(t *testing.T) {
	for _, name := range []string{"RAKP3-wrong", "RAKP3-refusing"} {
		t.Run(name, func(t *testing.T) {
			m, c := bring(t, "keyed")
			m.send(c, messages[name](c))
			require.Nil(t, m.send(c, c.RAKP3()))
			require.False(t, m.HalfOpen(m.now))
			c.Login(m.from(c))
		})
	}
}

func TestExpiry(t *testing.T) {
	m, c := bring(t, "confirmed")
	for range 5 { // each packet starts the time anew
		m.now += m.config.Timeout - time.Nanosecond
		m.requireEcho(c, "keep alive")
	}
	// Nothing but an authentic, fresh packet does.
	m.now += m.config.Timeout / 2
	last := c.Seal(c.Sequence, []byte("keep alive"), 1)
	require.Nil(t, m.send(c, last))
	require.Equal(t, 1, m.duplicates)
	for _, message := range messages {
		other := *c
		other.K1 = make([]byte, 32)
		require.Nil(t, m.send(&other, message(&other)))
	}
	m.now += m.config.Timeout / 2
	require.Nil(t, m.send(c, c.Packet("too late")))
	require.Nil(t, m.Find(c.SIDc, m.now))
	for range m.All(m.now) {
		require.Fail(t, "session left")
	}
	require.Contains(t, m.log.String(), "session timed out")
}

// A closing session answers for a moment, however often it is asked.
func TestClosingIsNotExtended(t *testing.T) {
	m, c := bring(t, "closing")
	m.now += closingLife - time.Nanosecond
	m.requireEcho(c, "close, repeated")
	m.now += time.Nanosecond
	require.Nil(t, m.send(c, c.Packet("close, repeated")))
}

func TestHalfOpen(t *testing.T) {
	for state, want := range map[string]bool{
		"unknown": false, "opened": true, "keyed": true, "active": false, "closing": false, "late-opened": false, "late-keyed": false,
	} {
		t.Run(state, func(t *testing.T) {
			m, _ := bring(t, state)
			require.Equal(t, want, m.HalfOpen(m.now))
		})
	}
}
