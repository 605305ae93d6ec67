package session

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

func TestLogin(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		for name, tt := range map[string]struct {
			change           func(r *rig, c *console.Console)
			limit, privilege rmcp.Privilege
		}{
			"administrator": {func(*rig, *console.Console) {}, rmcp.Administrator, rmcp.User},
			"operator role": {func(_ *rig, c *console.Console) { c.Role = 0x13 }, rmcp.Operator, rmcp.User},
			"user role":     {func(_ *rig, c *console.Console) { c.Role = 0x12 }, rmcp.User, rmcp.User},
			"callback role": {func(_ *rig, c *console.Console) { c.Role = 0x11 }, rmcp.Callback, rmcp.Callback},
			"role byte with reserved bits, without name-only lookup": {
				func(_ *rig, c *console.Console) { c.Role = 0xE3 }, rmcp.Operator, rmcp.User,
			},
			"a user of less privilege": {
				func(_ *rig, c *console.Console) { c.Name, c.Password, c.Role = "oper", "battery staple", 0x13 }, rmcp.Operator, rmcp.User,
			},
			"Kg": {
				func(r *rig, c *console.Console) { r.Kg, c.Kg = func() []byte { return []byte("secret") }, "secret" },
				rmcp.Administrator, rmcp.User,
			},
			"another tag": {func(_ *rig, c *console.Console) { c.Tag = 0xA5 }, rmcp.Administrator, rmcp.User},
			"name of sixteen bytes": {func(r *rig, c *console.Console) {
				c.Name = "sixteen-letters!"
				r.Users[0].Name = c.Name
			}, rmcp.Administrator, rmcp.User},
			"password of twenty bytes": {func(r *rig, c *console.Console) {
				c.Password = "twenty letters long!"
				r.Users[0].Password = func() []byte { return []byte(c.Password) }
			}, rmcp.Administrator, rmcp.User},
		} {
			t.Run(name, func(t *testing.T) {
				r, c := newRig(t), console.New(t, suite)
				tt.change(r, c)
				c.Login(r.from(c))
				s := r.Find(c.SIDc, r.now)
				require.NotNil(t, s)
				require.Equal(t, tt.limit, s.Limit)
				require.Equal(t, tt.privilege, s.Privilege)
				require.Equal(t, c.Name, s.User().Name)
				require.Equal(t, c.Peer, s.Peer)
				require.Equal(t, c.SIDc, s.ID())
				require.NotZero(t, s.Handle())
				r.requireEcho(c, "hello")
			})
		}
	})
}

// A client that requests a level above the limit of its user gets a session with that limit. It then learns from Set Session
// Privilege Level that it cannot have the level. A wrong password is still refused.
func TestRoleAboveTheLimitOfTheUser(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		for _, tt := range []struct {
			name, password string
			role           byte
			limit          rmcp.Privilege
		}{
			{"oper", "battery staple", 0x14, rmcp.Operator},
			{"oper", "battery staple", 0x15, rmcp.Operator},
			{"admin", "correct horse", 0x15, rmcp.Administrator},
		} {
			r, c := newRig(t), console.New(t, suite)
			c.Name, c.Password, c.Role = tt.name, tt.password, tt.role
			c.Login(r.from(c))
			s := r.Find(c.SIDc, r.now)
			require.Equal(t, tt.limit, s.Limit)
			require.Equal(t, rmcp.User, s.Privilege)
			require.Contains(t, r.log.String(), "requested="+rmcp.Role(tt.role).Privilege().String()+" limit="+tt.limit.String())
			require.False(t, r.BacksOff(r.now), "the password was right")
			r.kill()
			require.Equal(t, tt.limit, r.Find(c.SIDc, r.now).Limit)
			r.requireEcho(c, "hello")

			c.Password = "wrong"
			c.ReadOpen(r.send(c, c.Open()))
			c.LearnRAKP2(r.send(c, c.RAKP1()))
			require.Equal(t, rmcp.StatusInvalidIntegrityCheck.String(), outcome(r.send(c, c.RAKP3())))
		}
	})
}

func TestRAKP1Refusals(t *testing.T) {
	long := func(c *console.Console) { c.Name = strings.Repeat("x", 17) }
	for name, tt := range map[string]struct {
		change func(c *console.Console)
		want   rmcp.Status
	}{
		"role 0":                {func(c *console.Console) { c.Role = 0x10 }, rmcp.StatusInvalidRole},
		"role 6":                {func(c *console.Console) { c.Role = 0x16 }, rmcp.StatusInvalidRole},
		"role 15":               {func(c *console.Console) { c.Role = 0x1F }, rmcp.StatusInvalidRole},
		"name of 17 bytes":      {long, rmcp.StatusInvalidNameLength},
		"name of 255 bytes":     {func(c *console.Console) { c.Name = strings.Repeat("x", 255) }, rmcp.StatusInvalidNameLength},
		"role 0, name too long": {func(c *console.Console) { long(c); c.Role = 0 }, rmcp.StatusInvalidNameLength},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := bring(t, "opened")
			before := r.read()
			c.Tag = 9
			good := *c
			tt.change(c)

			answer := r.send(c, c.RAKP1())
			want := append([]byte{c.Tag, byte(tt.want), 0, 0}, binary.LittleEndian.AppendUint32(nil, c.SIDm)...)
			require.Equal(t, console.Datagram(0x13, 0, 0, want), answer, "no code may come with a refusal")
			require.Equal(t, before, r.read())

			// pyghmi tries another role in the same session.
			good.ReadRAKP2(r.send(&good, good.RAKP1()))
			good.ReadRAKP4(r.send(&good, good.RAKP3()))
		})
	}
}

func TestRAKP3Refusals(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(c *console.Console)
		want   rmcp.Status
		log    string
	}{
		"wrong password":            {func(c *console.Console) { c.Password = "wrong" }, rmcp.StatusInvalidIntegrityCheck, "wrong password"},
		"password of another user":  {func(c *console.Console) { c.Password = "battery staple" }, rmcp.StatusInvalidIntegrityCheck, "wrong password"},
		"no password":               {func(c *console.Console) { c.Password = "" }, rmcp.StatusInvalidIntegrityCheck, "wrong password"},
		"unknown user":              {func(c *console.Console) { c.Name = "nobody" }, rmcp.StatusInvalidIntegrityCheck, "unknown user"},
		"user name in another case": {func(c *console.Console) { c.Name = "Admin" }, rmcp.StatusInvalidIntegrityCheck, "unknown user"},
		"no user name":              {func(c *console.Console) { c.Name, c.Password = "", "" }, rmcp.StatusInvalidIntegrityCheck, "unknown user"},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := bring(t, "opened")
			tt.change(c)
			c.LearnRAKP2(r.send(c, c.RAKP1()))
			answer := r.send(c, c.RAKP3())
			want := append([]byte{0, byte(tt.want), 0, 0}, binary.LittleEndian.AppendUint32(nil, c.SIDm)...)
			require.Equal(t, console.Datagram(0x15, 0, 0, want), answer)
			require.Contains(t, r.log.String(), tt.log)
			require.Nil(t, r.send(c, c.Packet("x")))
			require.NotContains(t, r.log.String(), "session opened")
		})
	}
}

// A code with the wrong length is refused, even if it begins with the right code.
func TestRAKP3CodeLength(t *testing.T) {
	for n := range 64 {
		r, c := bring(t, "keyed")
		code := append(c.RAKP3()[24:], make([]byte, 32)...)[:n]
		answer, ok := r.RAKP3(rmcp.RAKP3{ManagedID: c.SIDc, AuthCode: code}, c.Peer, r.now)
		require.True(t, ok)
		require.Equal(t, n == 32, answer.Status == rmcp.StatusOK, "%d bytes", n)
	}
}

// An unknown user gets an answer of the same form as a known one, and the same answer to a repeated message, also from the
// next process.
func TestUnknownUserLooksKnown(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := newRig(t), console.New(t, suite)
		c.Name = "nobody"
		c.ReadOpen(r.send(c, c.Open()))
		first := r.send(c, c.RAKP1())
		require.NotEqual(t, make([]byte, 20), c.LearnRAKP2(first)[:20])

		require.Equal(t, first, r.send(c, c.RAKP1()))
		r.restart()
		require.Equal(t, first, r.send(c, c.RAKP1()))
	})
}

// The random key behind the answer for an unknown user opens no session.
func TestUnknownUserHasNoPassword(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	c.Name = "nobody"
	c.ReadOpen(r.send(c, c.Open()))
	c.Password = string(r.password(&Session{exchange: exchange{managedID: c.SIDc, name: c.Name}}))
	c.ReadRAKP2(r.send(c, c.RAKP1()))
	require.Equal(t, rmcp.StatusInvalidIntegrityCheck.String(), outcome(r.send(c, c.RAKP3())))
}

// A client notices a wrong password in RAKP Message 2, and then sends nothing more.
func TestSilentClientIsLogged(t *testing.T) {
	for name, want := range map[string]string{"admin": "wrong password?", "nobody": "unknown user"} {
		r, c := bring(t, "opened")
		c.Name = name
		c.LearnRAKP2(r.send(c, c.RAKP1()))
		r.now += halfOpenLife
		require.False(t, r.HalfOpen(r.now))
		require.Contains(t, r.log.String(), want)
		require.Contains(t, r.log.String(), "user="+name+" peer="+c.Peer.String())
	}
}

// A repeated message gets the same answer with its own tag. A changed RAKP Message 1 begins the key exchange again.
func TestRepetition(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	again := func(message func() []byte) {
		t.Helper()
		const tag = 16
		c.Tag = 1
		first := r.send(c, message())
		c.Tag = 2
		second := r.send(c, message())
		require.Equal(t, byte(2), second[tag])
		second[tag] = 1
		require.Equal(t, first, second)
		first[tag] = 2
		r.restart()
		require.Equal(t, first, r.send(c, message()))
	}
	c.ReadOpen(r.send(c, c.Open()))
	again(c.RAKP1)

	old := *c
	old.ReadRAKP2(r.send(&old, old.RAKP1()))
	for name, change := range map[string]func(){
		"random number": func() { c.RM[15]++ },
		"role":          func() { c.Role = 0x13 },
		"name":          func() { c.Name, c.Password = "oper", "battery staple" },
	} {
		change()
		c.ReadRAKP2(r.send(c, c.RAKP1()))
		require.NotEqual(t, old.RC, c.RC, name)
		old.RC = c.RC
	}
	again(c.RAKP3)
	c.ReadRAKP4(r.send(c, c.RAKP3()))
	r.requireEcho(c, "confirmed")
	require.Nil(t, r.send(c, c.RAKP3()))
}
