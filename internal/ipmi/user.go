package ipmi

import (
	"bytes"
	"errors"
	"reflect"
	"slices"

	"github.com/shipmi/shipmi/internal/instance"
)

// User IDs go from that of the user without a name, whom nothing can be given
// here, to instance.MaxUserID.
const (
	nullUser   = 1
	fixedNames = 1 // how many users cannot be renamed, from the null user on
)

func validUser(id byte) bool { return id >= nullUser && id <= instance.MaxUserID }

// vacant is a user whom nobody has given a name.
func vacant(id byte) instance.User {
	return instance.User{ID: id, Privilege: instance.PrivilegeNone, Disabled: true, NoMessaging: true}
}

func userOf(c instance.Credentials, id byte) instance.User {
	if u, ok := c.User(id); ok {
		return u
	}
	return vacant(id)
}

// The access of a user to a channel (§22.26). Link authentication is of no
// consequence but on serial lines, so it is let through and reads as off.
const (
	accessChange    = 0x80 // of the bits below, else only the privilege limit is set
	accessCallback  = 0x40
	accessMessaging = 0x10
	accessChannel   = 0x0F

	userEnabled  = 0x40
	userDisabled = 0x80
)

func getUserAccess(b *BMC, r *Request) Answer {
	if !validChannel(r.Data[0]) || !validUser(r.Data[1]) {
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

// setUserAccess knows neither callback nor limits for the sessions of a user.
func setUserAccess(b *BMC, r *Request) Answer {
	bits, limit := r.Data[0], instance.Privilege(r.Data[2])
	known := limit >= instance.PrivilegeUser && limit <= instance.PrivilegeAdministrator || limit == instance.PrivilegeNone
	change := bits&accessChange != 0
	if !known || !validChannel(bits&accessChannel) || !validUser(r.Data[1]) ||
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

// setUserName takes away all that a user has when it takes away his name. A name
// ends at its first zero.
func setUserName(b *BMC, r *Request) Answer {
	id := r.Data[0]
	if !validUser(id) {
		return reply(InvalidField)
	}
	name, _, _ := bytes.Cut(r.Data[1:], []byte{0})
	return b.changeUser(r, id, func(u *instance.User) {
		if len(name) == 0 {
			*u = vacant(id)
		}
		u.Name = string(name)
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

// setUserPassword also enables and disables users. Which size a password of 16
// bytes or less was set with is not kept: it passes a test with either.
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

// testOf says whether a password is that of a user, who may have none.
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

// changeUser keeps what change makes of a user.
func (b *BMC) changeUser(r *Request, id byte, change func(*instance.User)) Answer {
	var before, after []byte
	ends, err := b.Users.Change(func(c *instance.Credentials) error {
		before = c.Marshal()
		u := userOf(*c, id)
		change(&u)
		err := b.putUser(c, u)
		after = c.Marshal()
		return err
	})
	var code Code
	switch {
	case errors.As(err, &code):
		return reply(code)
	case err != nil:
		b.Log.Error("user not changed", "id", id, "err", err)
		return reply(Unspecified)
	case !bytes.Equal(before, after):
		name := userOf(b.Users.Credentials(), id).Name
		b.Log.Info("user changed", "id", id, "name", name, "by", r.Session.User, "peer", r.Session.Peer)
	}
	return Answer{Ends: ends}
}

// putUser replaces a user. Only somebody with a name can have anything, and
// somebody must be able to change users after this.
func (b *BMC) putUser(c *instance.Credentials, u instance.User) error {
	switch {
	case reflect.DeepEqual(u, vacant(u.ID)):
		c.Remove(u.ID)
	case u.Name == "":
		return NotPresent
	default:
		c.Put(u)
	}
	if !slices.ContainsFunc(c.Users, instance.User.CanAdminister) {
		b.Log.Warn("user not changed: he is the last administrator", "id", u.ID)
		return NotInPresentState
	}
	if err := c.Check(); err != nil {
		b.Log.Warn("user not changed", "id", u.ID, "err", err)
		return InvalidField
	}
	return nil
}
