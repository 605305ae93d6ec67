package ipmi

import (
	"bytes"
	"errors"
	"reflect"

	bmcevent "github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/instance"
)

// User IDs begin with the ID of the null user, which has no name and cannot be given
// anything, and end with instance.MaxUserID.
const (
	nullUser   = 1
	fixedNames = 1 // number of users that cannot be renamed, beginning with the null user
)

func validUser(id byte) bool { return id >= nullUser && id <= instance.MaxUserID }

// vacant is a user ID that has no name yet.
func vacant(id byte) instance.User {
	return instance.User{ID: id, Privilege: instance.PrivilegeNone, Disabled: true, NoMessaging: true}
}

func userOf(c instance.Credentials, id byte) instance.User {
	if u, ok := c.User(id); ok {
		return u
	}
	return vacant(id)
}

// The access of a user to a channel (§22.26). Link authentication matters on serial
// lines only, so it is accepted and reads as off.
const (
	accessChange    = 0x80 // change the bits below, else set only the privilege limit
	accessCallback  = 0x40
	accessMessaging = 0x10
	accessChannel   = 0x0F

	userEnabled  = 0x40
	userDisabled = 0x80
)

func getUserAccess(b *BMC, r *Request) Answer {
	if !r.isLAN(r.Data[0]) || !validUser(r.Data[1]) {
		return reply(InvalidField)
	}
	c := b.Users.Credentials()
	u := userOf(c, r.Data[1])
	status, access := byte(userEnabled), byte(u.Privilege)
	if u.Disabled {
		status = userDisabled
	}
	if !u.NoMessaging {
		access |= accessMessaging
	}
	for _, other := range c.Users {
		if !other.Disabled {
			status++
		}
	}
	return done(instance.MaxUserID, status, fixedNames, access)
}

// setUserAccess accepts neither callback nor a limit for the number of sessions.
func setUserAccess(b *BMC, r *Request) Answer {
	bits, limit := r.Data[0], instance.Privilege(r.Data[2])
	known := limit >= instance.PrivilegeUser && limit <= instance.PrivilegeAdministrator || limit == instance.PrivilegeNone
	change := bits&accessChange != 0
	if !known || !r.isLAN(bits&accessChannel) || !validUser(r.Data[1]) ||
		change && bits&accessCallback != 0 || len(r.Data) == 4 && r.Data[3] != 0 {
		return reply(InvalidField)
	}
	return b.changeUser(r, r.Data[1], func(u *instance.User) {
		u.Privilege = limit
		if change {
			u.NoMessaging = bits&accessMessaging == 0
		}
	})
}

func getUserName(b *BMC, r *Request) Answer {
	if !validUser(r.Data[0]) {
		return reply(InvalidField)
	}
	name := make([]byte, instance.MaxUserName)
	copy(name, userOf(b.Users.Credentials(), r.Data[0]).Name)
	return done(name...)
}

// setUserName removes the user if the name is empty. A name ends at its first zero.
func setUserName(b *BMC, r *Request) Answer {
	id := r.Data[0]
	if !validUser(id) {
		return reply(InvalidField)
	}
	before, _, _ := bytes.Cut(r.Data[1:], []byte{0})
	name := string(before)
	return b.changeUser(r, id, func(u *instance.User) {
		if name == "" {
			*u = vacant(id)
		}
		u.Name = name
	})
}

// Operations of Set User Password (§22.30).
const (
	disableUser  = 0
	enableUser   = 1
	setPassword  = 2
	testPassword = 3

	passwordIsLong = 0x80
)

// setUserPassword also enables and disables users. The size with which a password was
// set is not kept: one of at most 16 bytes passes a test with either size.
func setUserPassword(b *BMC, r *Request) Answer {
	id, operation := r.Data[0]&^passwordIsLong, r.Data[1]
	size := instance.MaxShortPassword
	if r.Data[0]&passwordIsLong != 0 {
		size = instance.MaxPassword
	}
	given := r.Data[2:]
	optional := operation == disableUser || operation == enableUser
	switch {
	case operation > testPassword:
		return reply(InvalidField)
	case len(given) != size && !(optional && len(given) == 0):
		return reply(InvalidLength)
	case !validUser(id):
		return reply(InvalidField)
	}
	password := string(bytes.TrimRight(given, "\x00"))
	if operation == testPassword {
		return reply(testOf(userOf(b.Users.Credentials(), id).Password.Reveal(), password, size))
	}
	return b.changeUser(r, id, func(u *instance.User) {
		switch operation {
		case setPassword:
			u.Password = instance.Hide(password)
		default:
			u.Disabled = operation == disableUser
		}
	})
}

// testOf compares a password with the user's, which may be empty.
func testOf(stored, password string, size int) Code {
	switch {
	case len(stored) > size:
		return passwordWrongSize
	case stored == "" || stored != password:
		return passwordWrong
	default:
		return OK
	}
}

// changeUser changes a user in the credential file.
func (b *BMC) changeUser(r *Request, id byte, change func(*instance.User)) Answer {
	users, session := b.Users, r.Session
	return Answer{Later: func() func() Answer {
		var before, after []byte
		var name string
		apply, err := users.Change(func(c *instance.Credentials) error {
			before = c.Marshal()
			u := userOf(*c, id)
			change(&u)
			err := putUser(c, u)
			after, name = c.Marshal(), u.Name
			return err
		})
		return func() Answer {
			var refused refusal
			switch {
			case errors.As(err, &refused):
				b.Log.Warn("user not changed", "id", id, "err", refused.err)
				return reply(refused.code)
			case err != nil:
				b.Log.Error("user not changed", "id", id, "err", err)
				return reply(Unspecified)
			case !bytes.Equal(before, after):
				b.Log.Info("user changed", append([]any{"id", id, "name", name, "by", session.User, bmcevent.User.Attr()}, session.from()...)...)
			}
			return Answer{Ends: apply()}
		}
	}}
}

// A refusal is why a user is not changed, and what the client is told.
type refusal struct {
	code Code
	err  error
}

func (r refusal) Error() string { return r.err.Error() }

var errNoName = errors.New("no name")

// putUser replaces a user. A user without a name can have nothing.
func putUser(c *instance.Credentials, u instance.User) error {
	switch {
	case reflect.DeepEqual(u, vacant(u.ID)):
		c.Remove(u.ID)
	case u.Name == "":
		return refusal{NotPresent, errNoName}
	default:
		c.Put(u)
	}
	switch err := c.CheckChange(); {
	case errors.Is(err, instance.ErrNoAdministrator):
		return refusal{NotInPresentState, err}
	case err != nil:
		return refusal{InvalidField, err}
	}
	return nil
}
