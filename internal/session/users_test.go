package session

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// SetUsers drops or returns the sessions of users that have changed, and no others.
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
			r, active := inSession(t, 17)
			opened, keyed := console.New(t, 3), console.New(t, 3)
			keyed.SIDm++
			opened.ReadOpen(r.send(opened, opened.Open()))
			keyed.ReadOpen(r.send(keyed, keyed.Open()))
			keyed.ReadRAKP2(r.send(keyed, keyed.RAKP1()))

			r.config.Users = tt.change(slices.Clone(r.config.Users))
			changed := r.SetUsers(r.config.Users, r.now)
			if tt.changed {
				require.Equal(t, []*Session{r.Find(active.SIDc, r.now)}, changed)
			} else {
				require.Empty(t, changed)
			}
			require.Equal(t, tt.changed, r.send(keyed, keyed.RAKP3()) == nil)
			r.requireEcho(active, "the response to the change must be sent")

			if user := r.user("admin"); user != nil && user.Limit == rmcp.Administrator {
				opened.Password = string(user.Password())
				opened.ReadRAKP2(r.send(opened, opened.RAKP1()))
				opened.ReadRAKP4(r.send(opened, opened.RAKP3()))
				require.Equal(t, user.ID, r.Find(opened.SIDc, r.now).User().ID)
			}

			r.kill()
			require.Equal(t, tt.changed, r.Find(active.SIDc, r.now) == nil)
		})
	}
}

// A key exchange that began with an unknown name fails, even if a user of that name is added before it ends.
func TestSetUsersDropsUnknownUser(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	c.Name, c.Password = "new", "secret"
	c.ReadOpen(r.send(c, c.Open()))
	c.LearnRAKP2(r.send(c, c.RAKP1()))
	added := User{ID: 4, Name: "new", Limit: rmcp.Administrator, Password: func() []byte { return []byte("secret") }}
	require.Empty(t, r.SetUsers(append(slices.Clone(r.config.Users), added), r.now))
	require.Nil(t, r.send(c, c.RAKP3()))
	c.Login(r.from(c))
}
