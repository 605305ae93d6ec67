package instance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The protocol's limits, in bytes: a user name of RAKP Message 1 (§13.20), a key
// for RMCP+ (§13.31), and a password that IPMI 1.5 could hold too (§22.30).
const (
	MaxUserName      = 16
	MaxPassword      = 20
	MaxShortPassword = 16
	maxKg            = 20
)

// Credentials say who may log in to a BMC.
type Credentials struct {
	Users []User
	Kg    Secret // BMC key (§13.31); empty means that the user's password takes its place
}

// A User may log in and hold at most the given privilege.
type User struct {
	Name      string
	Password  Secret
	Privilege Privilege
}

// credentialsFile and userEntry are the JSON of a credential file.
type credentialsFile struct {
	Users []userEntry `json:"users"`
	Kg    string      `json:"kg,omitempty"`
}

type userEntry struct {
	Name      string    `json:"name"`
	Password  string    `json:"password"`
	Privilege Privilege `json:"privilege"`
}

// ParseCredentials reads a credential file and checks it. No error tells a
// secret.
func ParseCredentials(b []byte) (Credentials, error) {
	var file credentialsFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return Credentials{}, fmt.Errorf("credentials: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Credentials{}, errors.New("credentials: something follows the closing brace")
	}

	c := Credentials{Kg: Hide(file.Kg)}
	for _, u := range file.Users {
		c.Users = append(c.Users, User{Name: u.Name, Password: Hide(u.Password), Privilege: u.Privilege})
	}
	if err := c.Check(); err != nil {
		return Credentials{}, fmt.Errorf("credentials: %w", err)
	}
	return c, nil
}

// Marshal returns the credential file, secrets included.
func (c Credentials) Marshal() []byte {
	file := credentialsFile{Kg: c.Kg.Reveal()}
	for _, u := range c.Users {
		file.Users = append(file.Users, userEntry{Name: u.Name, Password: u.Password.Reveal(), Privilege: u.Privilege})
	}
	b, err := json.Marshal(file)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return append(b, '\n')
}

// Check reports the first value that breaks a limit of the protocol.
func (c Credentials) Check() error {
	if len(c.Users) == 0 {
		return errors.New("no user")
	}
	seen := make(map[string]bool)
	for _, u := range c.Users {
		if err := checkLength("user name", u.Name, 1, MaxUserName); err != nil {
			return fmt.Errorf("%w: %q", err, u.Name)
		}
		if seen[u.Name] {
			return fmt.Errorf("user %q exists twice", u.Name)
		}
		seen[u.Name] = true
		if err := checkLength("password", u.Password.Reveal(), 1, MaxPassword); err != nil {
			return fmt.Errorf("%w (user %q)", err, u.Name)
		}
		if _, ok := privilegeNames[u.Privilege]; !ok {
			return fmt.Errorf("user %q has no privilege", u.Name)
		}
	}
	return checkLength("Kg", c.Kg.Reveal(), 0, maxKg)
}

func checkLength(what, value string, shortest, longest int) error {
	if n := len(value); n < shortest || n > longest {
		return fmt.Errorf("%s has %d bytes, want %d to %d", what, n, shortest, longest)
	}
	if err := CheckText(value); err != nil {
		return fmt.Errorf("%s %w", what, err)
	}
	return nil
}
