package session

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

func TestLogin(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		for name, tt := range map[string]struct {
			change           func(m *machine, c *console)
			limit, privilege rmcp.Privilege
		}{
			"administrator": {func(*machine, *console) {}, rmcp.Administrator, rmcp.User},
			"operator role": {func(_ *machine, c *console) { c.role = 0x13 }, rmcp.Operator, rmcp.User},
			"user role":     {func(_ *machine, c *console) { c.role = 0x12 }, rmcp.User, rmcp.User},
			"callback role": {func(_ *machine, c *console) { c.role = 0x11 }, rmcp.Callback, rmcp.Callback},
			"role byte with reserved bits, without name-only lookup": {
				func(_ *machine, c *console) { c.role = 0xE3 }, rmcp.Operator, rmcp.User,
			},
			"a user of less privilege": {
				func(_ *machine, c *console) { c.name, c.password, c.role = "oper", "battery staple", 0x13 }, rmcp.Operator, rmcp.User,
			},
			"Kg": {
				func(m *machine, c *console) { m.Kg, c.kg = func() []byte { return []byte("secret") }, "secret" },
				rmcp.Administrator, rmcp.User,
			},
			"another tag": {func(_ *machine, c *console) { c.tag = 0xA5 }, rmcp.Administrator, rmcp.User},
			"name of sixteen bytes": {func(m *machine, c *console) {
				c.name = "sixteen-letters!"
				m.Users[0].Name = c.name
			}, rmcp.Administrator, rmcp.User},
			"password of twenty bytes": {func(m *machine, c *console) {
				c.password = "twenty letters long!"
				m.Users[0].Password = func() []byte { return []byte(c.password) }
			}, rmcp.Administrator, rmcp.User},
		} {
			t.Run(name, func(t *testing.T) {
				m, c := newMachine(t), newConsole(t, suite)
				tt.change(m, c)
				c.login(m)
				s := m.Find(c.sidc, m.now)
				require.NotNil(t, s)
				require.Equal(t, tt.limit, s.Limit)
				require.Equal(t, tt.privilege, s.Privilege)
				require.Equal(t, c.name, s.User().Name)
				require.Equal(t, c.peer, s.Peer)
				require.Equal(t, c.sidc, s.ID())
				require.NotZero(t, s.Handle())
				m.requireEcho(c, "hello")
			})
		}
	})
}

func TestRAKP1Refusals(t *testing.T) {
	long := func(c *console) { c.name = strings.Repeat("x", 17) }
	for name, tt := range map[string]struct {
		change func(c *console)
		want   rmcp.Status
	}{
		"role 0":                {func(c *console) { c.role = 0x10 }, rmcp.StatusInvalidRole},
		"role 6":                {func(c *console) { c.role = 0x16 }, rmcp.StatusInvalidRole},
		"role 15":               {func(c *console) { c.role = 0x1F }, rmcp.StatusInvalidRole},
		"name of 17 bytes":      {long, rmcp.StatusInvalidNameLength},
		"name of 255 bytes":     {func(c *console) { c.name = strings.Repeat("x", 255) }, rmcp.StatusInvalidNameLength},
		"role 0, name too long": {func(c *console) { long(c); c.role = 0 }, rmcp.StatusInvalidNameLength},
	} {
		t.Run(name, func(t *testing.T) {
			m, c := bring(t, "opened")
			before := m.read()
			c.tag = 9
			good := *c
			tt.change(c)

			answer := m.send(c, c.rakp1())
			want := append([]byte{c.tag, byte(tt.want), 0, 0}, binary.LittleEndian.AppendUint32(nil, c.sidm)...)
			require.Equal(t, datagram(0x13, 0, 0, want), answer, "no code may come with a refusal")
			require.Equal(t, before, m.read())

			// pyghmi tries again, with another role, in the same session.
			good.readRAKP2(m.send(&good, good.rakp1()))
			good.readRAKP4(m.send(&good, good.rakp3()))
		})
	}
}

func TestRAKP3Refusals(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(c *console)
		want   rmcp.Status
		log    string
	}{
		"wrong password":            {func(c *console) { c.password = "wrong" }, rmcp.StatusInvalidIntegrityCheck, "wrong password"},
		"password of another user":  {func(c *console) { c.password = "battery staple" }, rmcp.StatusInvalidIntegrityCheck, "wrong password"},
		"no password":               {func(c *console) { c.password = "" }, rmcp.StatusInvalidIntegrityCheck, "wrong password"},
		"unknown user":              {func(c *console) { c.name = "nobody" }, rmcp.StatusInvalidIntegrityCheck, "unknown user"},
		"user name in another case": {func(c *console) { c.name = "Admin" }, rmcp.StatusInvalidIntegrityCheck, "unknown user"},
		"no user name":              {func(c *console) { c.name, c.password = "", "" }, rmcp.StatusInvalidIntegrityCheck, "unknown user"},
		"role above the user's": {
			func(c *console) { c.name, c.password = "oper", "battery staple" },
			rmcp.StatusInvalidRole, "administrator asked for, operator is the limit",
		},
		"OEM role": {func(c *console) { c.role = 0x15 }, rmcp.StatusInvalidRole, "oem asked for, administrator is the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			m, c := bring(t, "opened")
			tt.change(c)
			c.learnRAKP2(m.send(c, c.rakp1()))
			answer := m.send(c, c.rakp3())
			want := append([]byte{0, byte(tt.want), 0, 0}, binary.LittleEndian.AppendUint32(nil, c.sidm)...)
			require.Equal(t, datagram(0x15, 0, 0, want), answer)
			require.Contains(t, m.log.String(), tt.log)
			require.Nil(t, m.send(c, c.packet("x")))
			require.NotContains(t, m.log.String(), "session opened")
		})
	}
}

// A code cut short, or one that goes on, is no code.
func TestRAKP3CodeLength(t *testing.T) {
	for n := range 64 {
		m, c := bring(t, "keyed")
		code := append(c.rakp3()[24:], make([]byte, 32)...)[:n]
		answer, ok := m.RAKP3(rmcp.RAKP3{ManagedID: c.sidc, AuthCode: code}, m.now)
		require.True(t, ok)
		require.Equal(t, n == 32, answer.Status == rmcp.StatusOK, "%d bytes", n)
	}
}

// An unknown user gets what a known one gets, and the same again for the same
// question, also from the next process.
func TestUnknownUserLooksKnown(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		m, c := newMachine(t), newConsole(t, suite)
		c.name = "nobody"
		c.readOpen(m.send(c, c.open()))
		first := m.send(c, c.rakp1())
		require.NotEqual(t, make([]byte, 20), c.learnRAKP2(first)[:20])
		require.Contains(t, m.log.String(), "unknown user")

		require.Equal(t, first, m.send(c, c.rakp1()))
		m.restart()
		require.Equal(t, first, m.send(c, c.rakp1()))
	})
}

// The key behind that answer opens nothing.
func TestUnknownUserHasNoPassword(t *testing.T) {
	m, c := newMachine(t), newConsole(t, 17)
	c.name = "nobody"
	c.readOpen(m.send(c, c.open()))
	c.password = string(m.password(&Session{exchange: exchange{managedID: c.sidc, name: c.name}}))
	c.readRAKP2(m.send(c, c.rakp1()))
	require.Equal(t, rmcp.StatusInvalidIntegrityCheck.String(), outcome(m.send(c, c.rakp3())))
}

// A console that has a wrong password sees so in RAKP Message 2 and is silent.
func TestSilentConsoleIsLogged(t *testing.T) {
	m, c := bring(t, "keyed")
	m.now += halfOpenLife
	require.False(t, m.HalfOpen(m.now))
	require.Contains(t, m.log.String(), "wrong password?")
	require.Contains(t, m.log.String(), c.peer.String())
}

// A repeated message gets the same answer under its own tag; a changed one
// starts the exchange anew.
func TestRepetition(t *testing.T) {
	m, c := newMachine(t), newConsole(t, 17)
	again := func(message func() []byte, tag int) {
		t.Helper()
		c.tag = 1
		first := m.send(c, message())
		c.tag = 2
		second := m.send(c, message())
		require.Equal(t, byte(2), second[tag])
		second[tag] = 1
		require.Equal(t, first, second)
		first[tag] = 2
		m.restart()
		require.Equal(t, first, m.send(c, message()))
	}
	again(c.open, 16)
	c.readOpen(m.send(c, c.open()))
	again(c.rakp1, 16)

	old := *c
	old.readRAKP2(m.send(&old, old.rakp1()))
	for name, change := range map[string]func(){
		"random number": func() { c.rm[15]++ },
		"role":          func() { c.role = 0x13 },
		"name":          func() { c.name, c.password = "oper", "battery staple" },
	} {
		change()
		c.readRAKP2(m.send(c, c.rakp1()))
		require.NotEqual(t, old.rc, c.rc, name)
		old.rc = c.rc
	}
	again(c.rakp3, 16)
	c.readRAKP4(m.send(c, c.rakp3()))
	m.requireEcho(c, "confirmed")
	require.Nil(t, m.send(c, c.rakp3()))
}
