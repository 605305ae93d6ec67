package session

import (
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A User may open sessions.
type User struct {
	ID    byte           // IPMI user ID, from 1
	Name  string         // at most 16 bytes
	Limit rmcp.Privilege // highest level of the user's sessions
	// Password returns at most 20 bytes. It is a function so that fmt cannot print the password.
	Password func() []byte
}

// user returns the user with that name, or nil.
func (t *Table) user(name string) *User {
	for i := range t.Users {
		if t.Users[i].Name == name {
			return &t.Users[i]
		}
	}
	return nil
}

// SetUsers replaces the users. It drops the key exchanges of users whose name, password or limit has changed, and returns
// their active sessions. Those sessions stay active until the caller ends them. NewTable would drop them.
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
