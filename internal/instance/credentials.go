package instance

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The limits of the protocol, in bytes.
const (
	MaxUserName      = 16 // in RAKP Message 1 (§13.20)
	MaxPassword      = 20 // for RMCP+ (§13.31)
	MaxShortPassword = 16 // for IPMI 1.5, too (§22.30)
	maxKg            = 20 // (§13.31)
)

// The range of user IDs. ID 1 is for the user without a name (§6.9.1), which ShIPMI does not have. The maximum is low
// because clients read the users one by one.
const (
	MinUserID = 2
	MaxUserID = 16
)

// Credentials are the users of a BMC and its key.
type Credentials struct {
	Users []User // in the order of their IDs
	Kg    Secret // BMC key, as text or as 0x and hex digits; empty for none: see Key
}

// A User of a BMC. See CanLogIn for the users that may log in.
type User struct {
	ID          byte      // MinUserID to MaxUserID; stays the same when other users are added or removed
	Name        string    // 1 to MaxUserName bytes
	Password    Secret    // up to MaxPassword bytes; without a password the user cannot log in
	Privilege   Privilege // highest level of the user's sessions
	Disabled    bool      // (§22.28)
	NoMessaging bool      // IPMI messaging is off (§22.26), and so is every use over LAN
	NoConsole   bool      // the user may not open the serial console (§24.6)
}

// CanLogIn reports whether the user is enabled and has a password, a privilege and IPMI messaging.
func (u User) CanLogIn() bool {
	return !u.Disabled && !u.NoMessaging && u.Privilege != PrivilegeNone && u.Password.Reveal() != ""
}

// CanAdminister reports whether the user can log in and change users.
func (u User) CanAdminister() bool { return u.CanLogIn() && u.Privilege == PrivilegeAdministrator }

// Key returns the BMC key Kg (§13.31), of at most 20 bytes. A key of zeros is the same as none: Key returns an empty slice,
// and the password of the user takes the place of the key.
func (c Credentials) Key() []byte {
	key, _ := decodeKey(c.Kg.Reveal())
	return bytes.TrimRight(key, "\x00")
}

// decodeKey decodes hex digits after 0x, as FreeIPMI does. Other text is the key itself.
func decodeKey(text string) ([]byte, error) {
	digits, isHex := strings.CutPrefix(text, "0x")
	if !isHex {
		return []byte(text), nil
	}
	key, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("want pairs of hex digits behind 0x in Kg")
	}
	return key, nil
}

// User returns the user with that ID, and false if it does not exist.
func (c Credentials) User(id byte) (User, bool) {
	return c.find(func(u User) bool { return u.ID == id })
}

// Named returns the user with that name, and false if it does not exist.
func (c Credentials) Named(name string) (User, bool) {
	return c.find(func(u User) bool { return u.Name == name })
}

func (c Credentials) find(match func(User) bool) (User, bool) {
	i := slices.IndexFunc(c.Users, match)
	if i < 0 {
		return User{}, false
	}
	return c.Users[i], true
}

// The reasons for which CheckChange, Check and Add refuse what a client asks for.
var (
	ErrNoAdministrator = errors.New("no administrator would be left")
	ErrNameTaken       = errors.New("exists twice")
	ErrNoFreeID        = fmt.Errorf("no free user ID: the maximum is %d users", MaxUserID-MinUserID+1)
)

// CheckChange returns an error if a client may not change the credentials to c: ErrNoAdministrator if no user could log in
// and change users, or the error of Check.
func (c Credentials) CheckChange() error {
	if !slices.ContainsFunc(c.Users, User.CanAdminister) {
		return ErrNoAdministrator
	}
	return c.Check()
}

// Add adds a user with the lowest free ID. The error is ErrNoFreeID.
func (c *Credentials) Add(u User) error {
	for u.ID = MinUserID; u.ID <= MaxUserID; u.ID++ {
		if _, taken := c.User(u.ID); !taken {
			c.Put(u)
			return nil
		}
	}
	return ErrNoFreeID
}

// Put adds a user, or replaces the user with the same ID.
func (c *Credentials) Put(u User) {
	c.Remove(u.ID)
	c.Users = append(c.Users, u)
	c.sort()
}

func (c *Credentials) sort() {
	slices.SortFunc(c.Users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
}

// Remove removes the user with that ID. It does nothing if there is no such user.
func (c *Credentials) Remove(id byte) {
	c.Users = slices.DeleteFunc(slices.Clone(c.Users), func(u User) bool { return u.ID == id })
}

// Check returns an error for the first value that is not valid. The error contains no secret.
func (c Credentials) Check() error {
	if len(c.Users) == 0 {
		return errors.New("no user")
	}
	names, ids := make(map[string]bool), make(map[byte]bool)
	for _, u := range c.Users {
		if err := CheckUserName(u.Name); err != nil {
			return err
		}
		password := u.Password.Reveal()
		if err := checkField("password", password, len(password), 0, MaxPassword); err != nil {
			return fmt.Errorf("%w (user %q)", err, u.Name)
		}
		_, isPrivilege := privilegeNames[u.Privilege]
		switch {
		case names[u.Name]:
			return fmt.Errorf("user %q %w", u.Name, ErrNameTaken)
		case u.ID < MinUserID || u.ID > MaxUserID:
			return fmt.Errorf("user %q has the ID %d, want %d to %d", u.Name, u.ID, MinUserID, MaxUserID)
		case ids[u.ID]:
			return fmt.Errorf("user %q has the ID %d of another user", u.Name, u.ID)
		case !isPrivilege:
			return fmt.Errorf("user %q has no privilege", u.Name)
		}
		names[u.Name], ids[u.ID] = true, true
	}
	key, err := decodeKey(c.Kg.Reveal())
	if err != nil {
		return err
	}
	return checkField("Kg", c.Kg.Reveal(), len(key), 0, maxKg)
}

// CheckUserName returns an error for a text that is not valid as the name of a user.
func CheckUserName(name string) error {
	if err := checkField("user name", name, len(name), 1, MaxUserName); err != nil {
		return fmt.Errorf("%w: %q", err, name)
	}
	return nil
}

// checkField checks the text of a field, and the number of bytes that the text encodes.
func checkField(field, text string, length, shortest, longest int) error {
	if length < shortest || length > longest {
		return fmt.Errorf("%s has %d bytes, want %d to %d", field, length, shortest, longest)
	}
	if err := CheckText(text); err != nil {
		return fmt.Errorf("%s %w", field, err)
	}
	return nil
}
