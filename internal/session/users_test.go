package session

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// A change of users ends what was begun with the credentials of before, and that
// alone.
func TestSetUsers(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func([]User) []User
		changed bool // of admin
	}{
		"the same again":       {func(u []User) []User { return u }, false},
		"another user, before": {func(u []User) []User { return append([]User{{ID: 9, Name: "new", Password: u[0].Password}}, u...) }, false},
		"another user changed": {func(u []User) []User { u[1].Password = u[0].Password; return u }, false},
		"another user gone":    {func(u []User) []User { return u[:1] }, false},
		"another ID":           {func(u []User) []User { u[0].ID = 7; return u }, false},
		"password": {func(u []User) []User {
			u[0].Password = func() []byte { return []byte("new password") }
			return u
		}, true},
		"limit": {func(u []User) []User { u[0].Limit = rmcp.Operator; return u }, true},
		"gone":  {func(u []User) []User { return u[1:] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, active := inSession(t, 17)
			opened, keyed := console.New(t, 3), console.New(t, 3)
			keyed.SIDm++
			opened.ReadOpen(m.send(opened, opened.Open()))
			keyed.ReadOpen(m.send(keyed, keyed.Open()))
			keyed.ReadRAKP2(m.send(keyed, keyed.RAKP1()))

			m.config.Users = tt.change(slices.Clone(m.config.Users))
			changed := m.SetUsers(m.config.Users, m.now)
			if tt.changed {
				require.Equal(t, []*Session{m.Find(active.SIDc, m.now)}, changed)
			} else {
				require.Empty(t, changed)
			}
			require.Equal(t, tt.changed, m.send(keyed, keyed.RAKP3()) == nil)
			m.requireEcho(active, "the answer to the change must leave")

			if user := m.user("admin"); user != nil && user.Limit == rmcp.Administrator {
				opened.Password = string(user.Password())
				opened.ReadRAKP2(m.send(opened, opened.RAKP1()))
				opened.ReadRAKP4(m.send(opened, opened.RAKP3()))
				require.Equal(t, user.ID, m.Find(opened.SIDc, m.now).User().ID)
			}

			m.kill()
			require.Equal(t, tt.changed, m.Find(active.SIDc, m.now) == nil)
		})
	}
}

// Half a login with the name of nobody is none with the name of somebody.
func TestSetUsersDropsTheUnknown(t *testing.T) {
	m, c := newMachine(t), console.New(t, 17)
	c.Name, c.Password = "new", "secret"
	c.ReadOpen(m.send(c, c.Open()))
	c.LearnRAKP2(m.send(c, c.RAKP1()))
	added := User{ID: 4, Name: "new", Limit: rmcp.Administrator, Password: func() []byte { return []byte("secret") }}
	require.Empty(t, m.SetUsers(append(slices.Clone(m.config.Users), added), m.now))
	require.Nil(t, m.send(c, c.RAKP3()))
	c.Login(m.from(c))
}
