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

// The protocol's limits, in bytes: a user name of RAKP Message 1 (§13.20), a key
// for RMCP+ (§13.31), and a password that IPMI 1.5 could hold too (§22.30).
const (
	MaxUserName      = 16
	MaxPassword      = 20
	MaxShortPassword = 16
	maxKg            = 20
)

// The IDs that users have. ID 1 is that of the user without a name (§6.9.1), whom
// no BMC here has. Consoles ask for the users one by one: hence no more.
const (
	MinUserID = 2
	MaxUserID = 16
)

// Credentials say who may log in to a BMC.
type Credentials struct {
	Users []User // in the order of their IDs
	Kg    Secret // BMC key, as text or as 0x and hex digits: see Key
}

// A User may log in, unless something of his is missing, and hold at most the
// given privilege.
type User struct {
	ID          byte // MinUserID to MaxUserID; others may come and go without changing it
	Name        string
	Password    Secret // empty: none
	Privilege   Privilege
	Disabled    bool
	NoMessaging bool // IPMI messaging, all that there is over LAN, is off (§22.26)
}

// CanLogIn tells whether anything is missing.
func (u User) CanLogIn() bool {
	return !u.Disabled && !u.NoMessaging && u.Privilege != PrivilegeNone && u.Password.Reveal() != ""
}

// CanAdminister tells whether the user can log in and change users.
func (u User) CanAdminister() bool { return u.CanLogIn() && u.Privilege == PrivilegeAdministrator }

// Key returns the BMC key (§13.31). It is empty where there is none, which is the
// same as zeros: then the user's password takes its place.
func (c Credentials) Key() []byte {
	key, _ := decodeKey(c.Kg.Reveal())
	return bytes.TrimRight(key, "\x00")
}

// decodeKey reads hex digits behind 0x, as the FreeIPMI clients do, and other text
// as it is.
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

// User returns the user with that ID, if there is one.
func (c Credentials) User(id byte) (User, bool) {
	return c.find(func(u User) bool { return u.ID == id })
}

// Named returns the user with that name, if there is one.
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

// Add adds a user under the lowest ID that is free.
func (c *Credentials) Add(u User) error {
	for u.ID = MinUserID; u.ID <= MaxUserID; u.ID++ {
		if _, taken := c.User(u.ID); !taken {
			c.Put(u)
			return nil
		}
	}
	return fmt.Errorf("there is room for %d users", len(c.Users))
}

// Put replaces the user that has the ID of u, if there is one.
func (c *Credentials) Put(u User) {
	c.Remove(u.ID)
	c.Users = append(c.Users, u)
	c.sort()
}

func (c *Credentials) sort() {
	slices.SortFunc(c.Users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
}

// Remove removes the user with that ID, if there is one.
func (c *Credentials) Remove(id byte) {
	c.Users = slices.DeleteFunc(slices.Clone(c.Users), func(u User) bool { return u.ID == id })
}

// Check reports the first value that breaks a limit of the protocol.
func (c Credentials) Check() error {
	if len(c.Users) == 0 {
		return errors.New("no user")
	}
	names, ids := make(map[string]bool), make(map[byte]bool)
	for _, u := range c.Users {
		if err := check("user name", u.Name, len(u.Name), 1, MaxUserName); err != nil {
			return fmt.Errorf("%w: %q", err, u.Name)
		}
		password := u.Password.Reveal()
		if err := check("password", password, len(password), 0, MaxPassword); err != nil {
			return fmt.Errorf("%w (user %q)", err, u.Name)
		}
		_, isPrivilege := privilegeNames[u.Privilege]
		switch {
		case names[u.Name]:
			return fmt.Errorf("user %q exists twice", u.Name)
		case u.ID < MinUserID || u.ID > MaxUserID:
			return fmt.Errorf("user %q has the ID %d, want %d to %d", u.Name, u.ID, MinUserID, MaxUserID)
		case ids[u.ID]:
			return fmt.Errorf("user %q has the ID of another one, %d", u.Name, u.ID)
		case !isPrivilege:
			return fmt.Errorf("user %q has no privilege", u.Name)
		}
		names[u.Name], ids[u.ID] = true, true
	}
	key, err := decodeKey(c.Kg.Reveal())
	if err != nil {
		return err
	}
	return check("Kg", c.Kg.Reveal(), len(key), 0, maxKg)
}

// check reports a text that stands for too few or too many bytes, or that is none.
func check(what, text string, length, shortest, longest int) error {
	if length < shortest || length > longest {
		return fmt.Errorf("%s has %d bytes, want %d to %d", what, length, shortest, longest)
	}
	if err := CheckText(text); err != nil {
		return fmt.Errorf("%s %w", what, err)
	}
	return nil
}
