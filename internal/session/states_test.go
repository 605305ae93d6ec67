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

// stateTable has the answers of a session. Rows are states, columns are messages, with the keys of the map messages. A cell
// is "-" for no answer, "ok", or the status of a refusal, which ends the session.
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

// bring returns a rig and a client whose session is in a state of the table.
func bring(t testing.TB, state string) (*rig, *console.Console) {
	r, c := newRig(t), console.New(t, 17)
	c.SIDc, c.SIK, c.K1, c.K2 = 0x01020304, make([]byte, 32), make([]byte, 32), make([]byte, 32)
	steps := map[string]func(){
		"open":    func() { c.ReadOpen(r.send(c, c.Open())) },
		"RAKP1":   func() { c.ReadRAKP2(r.send(c, c.RAKP1())) },
		"RAKP3":   func() { c.ReadRAKP4(r.send(c, c.RAKP3())) },
		"packet":  func() { r.requireEcho(c, "hello") },
		"end":     func() { require.NoError(t, r.End(r.Find(c.SIDc, r.now), r.now)) },
		"2s":      func() { r.now += closingLife },
		"10s":     func() { r.now += halfOpenLife },
		"60s":     func() { r.now += r.config.Timeout },
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
	return r, c
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
					r, c := bring(t, state)
					if restart {
						r.restart()
					}
					before := r.read()
					got := outcome(r.send(c, messages[columns[i]](c)))
					if word, ok := words[got]; ok {
						got = word
					}
					require.Equal(t, want, got)
					if want == "-" && columns[i] != "RAKP3-refusing" {
						require.Equal(t, before, r.read(), "a message without an answer changes nothing")
					}
				})
			}
		}
	}
}

// Messages of the key exchange with the ID of an active session neither take the session over nor end it, not even from the
// same user.
func TestTakeover(t *testing.T) {
	for _, state := range []string{"active", "confirmed"} {
		for name, message := range messages {
			t.Run(state+"/"+name, func(t *testing.T) {
				r, c := bring(t, state)
				thief := *c
				thief.Peer = netip.MustParseAddrPort("198.51.100.1:623")
				r.send(&thief, message(&thief))
				c.Sequence = thief.Sequence
				r.requireEcho(c, "mine")
			})
		}
	}
}

// A client that refuses RAKP Message 2, or fails in RAKP Message 3, has to begin again.
func TestFailedExchangeIsOver(t *testing.T) {
	for _, name := range []string{"RAKP3-wrong", "RAKP3-refusing"} {
		t.Run(name, func(t *testing.T) {
			r, c := bring(t, "keyed")
			r.send(c, messages[name](c))
			require.Nil(t, r.send(c, c.RAKP3()))
			require.False(t, r.HalfOpen(r.now))
			c.Login(r.from(c))
		})
	}
}

func TestExpiry(t *testing.T) {
	r, c := bring(t, "confirmed")
	for range 5 { // each packet starts the timeout again
		r.now += r.config.Timeout - time.Nanosecond
		r.requireEcho(c, "keep alive")
	}
	// Duplicates, forged packets and messages of a key exchange do not.
	r.now += r.config.Timeout / 2
	last := c.Seal(c.Sequence, []byte("keep alive"), 1)
	require.Nil(t, r.send(c, last))
	require.Equal(t, 1, r.duplicates)
	for _, message := range messages {
		other := *c
		other.K1 = make([]byte, 32)
		require.Nil(t, r.send(&other, message(&other)))
	}
	r.now += r.config.Timeout / 2
	require.Nil(t, r.send(c, c.Packet("too late")))
	require.Nil(t, r.Find(c.SIDc, r.now))
	for range r.All(r.now) {
		require.Fail(t, "session left")
	}
	require.Contains(t, r.log.String(), "session timed out")
}

// A closing session answers for two seconds, no matter how many packets come.
func TestClosingIsNotExtended(t *testing.T) {
	r, c := bring(t, "closing")
	r.now += closingLife - time.Nanosecond
	r.requireEcho(c, "close, repeated")
	r.now += time.Nanosecond
	require.Nil(t, r.send(c, c.Packet("close, repeated")))
}

func TestHalfOpen(t *testing.T) {
	for state, want := range map[string]bool{
		"unknown": false, "opened": true, "keyed": true, "active": false, "closing": false, "late-opened": false, "late-keyed": false,
	} {
		t.Run(state, func(t *testing.T) {
			r, _ := bring(t, state)
			require.Equal(t, want, r.HalfOpen(r.now))
		})
	}
}
