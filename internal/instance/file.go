package instance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// credentialsFile and userEntry are the JSON format of a credential file. A user in a hand-written file needs no ID.
type credentialsFile struct {
	Users []userEntry `json:"users"`
	Kg    string      `json:"kg,omitempty"`
}

type userEntry struct {
	ID        byte      `json:"id,omitempty"`
	Name      string    `json:"name"`
	Password  string    `json:"password"`
	Privilege Privilege `json:"privilege"`
	Enabled   *bool     `json:"enabled,omitempty"`   // nil: true
	Messaging *bool     `json:"messaging,omitempty"` // nil: true
	Console   *bool     `json:"console,omitempty"`   // nil: true
}

var errUnknownField = errors.New("unknown field: want users and kg, and of a user id, name, password, privilege, enabled, messaging and console")

// ParseCredentials parses a credential file and checks it as Check does. Users without an ID get the lowest free IDs, in
// the order of the file. The error contains no secret.
func ParseCredentials(b []byte) (Credentials, error) {
	var file credentialsFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		if strings.HasPrefix(err.Error(), "json: unknown field") { // the name of the field may be a misplaced secret
			err = errUnknownField
		}
		return Credentials{}, fmt.Errorf("credentials: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Credentials{}, errors.New("credentials: unexpected text after the closing brace")
	}
	c, err := file.credentials()
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials: %w", err)
	}
	return c, nil
}

func (f credentialsFile) credentials() (Credentials, error) {
	c := Credentials{Kg: Hide(f.Kg)}
	var added []User
	for _, e := range f.Users {
		u := User{
			ID: e.ID, Name: e.Name, Password: Hide(e.Password), Privilege: e.Privilege,
			Disabled: isFalse(e.Enabled), NoMessaging: isFalse(e.Messaging),
			NoConsole: isFalse(e.Console),
		}
		if u.ID == 0 {
			added = append(added, u)
		} else {
			c.Users = append(c.Users, u)
		}
	}
	for _, u := range added {
		if err := c.Add(u); err != nil {
			return Credentials{}, err
		}
	}
	c.sort()
	return c, c.Check()
}

func isFalse(flag *bool) bool { return flag != nil && !*flag }

// Marshal returns the text of the credential file, including the secrets.
func (c Credentials) Marshal() []byte {
	file := credentialsFile{Kg: c.Kg.Reveal()}
	for _, u := range c.Users {
		e := userEntry{ID: u.ID, Name: u.Name, Password: u.Password.Reveal(), Privilege: u.Privilege}
		if u.Disabled {
			e.Enabled = new(false)
		}
		if u.NoMessaging {
			e.Messaging = new(false)
		}
		if u.NoConsole {
			e.Console = new(false)
		}
		file.Users = append(file.Users, e)
	}
	b, err := json.Marshal(file)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return append(b, '\n')
}
