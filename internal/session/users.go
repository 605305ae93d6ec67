package session

import (
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A User may open sessions.
type User struct {
	ID    byte // IPMI user ID, from 1
	Name  string
	Limit rmcp.Privilege
	// Password is a function so that nothing prints it by accident.
	Password func() []byte
}

func (t *Table) user(name string) *User {
	for i := range t.Users {
		if t.Users[i].Name == name {
			return &t.Users[i]
		}
	}
	return nil
}

// SetUsers replaces the users. The key exchanges of a user who is not the same any
// more are dropped; his active sessions are returned, and go on until the caller
// ends them. A table that is opened again would have dropped them.
func (t *Table) SetUsers(users []User, now time.Duration) (changed []*Session) {
	t.Users = users
	for s := range t.live(now) {
		user := t.user(s.name)
		switch {
		case t.credential(user) == s.credential:
			s.user = user
		case s.halfOpen():
			t.drop(s, now)
		case s.state == active:
			changed = append(changed, s)
		}
	}
	return changed
}
