package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/keyring"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// lockPatience is how long a change of users waits while a shipmi command holds the lock of the credential files.
const lockPatience = time.Second

// users are the users in the credential file of the BMC. systemd has passed a copy of the file to this process. Changes
// are written to the file itself, and systemd passes them to the next process.
type users struct {
	now      instance.Credentials
	path     string // of the file; empty: users cannot be changed
	sessions *session.Table
}

// Credentials implements ipmi.Users.
func (u *users) Credentials() instance.Credentials { return u.now }

// Change implements ipmi.Users.
func (u *users) Change(change func(*instance.Credentials) error) (ends []uint32, err error) {
	if u.path == "" {
		return nil, errors.New("SHIPMI_CREDENTIALS not set")
	}
	dir, name := filepath.Split(u.path)
	changed, err := keyring.Keyring{Dir: filepath.Clean(dir), Patience: lockPatience}.Change(name, change)
	if err != nil {
		return nil, err
	}
	u.now = changed
	for _, s := range u.sessions.SetUsers(whoCanLogIn(changed), bootTime()) {
		ends = append(ends, s.ID())
	}
	return ends, nil
}

func readCredentials(dir string) (instance.Credentials, error) {
	if dir == "" {
		return instance.Credentials{}, errors.New("CREDENTIALS_DIRECTORY not set: does the unit have LoadCredential=users:…?")
	}
	b, err := os.ReadFile(filepath.Join(dir, "users"))
	if err != nil {
		return instance.Credentials{}, err
	}
	return instance.ParseCredentials(b)
}

func whoCanLogIn(c instance.Credentials) []session.User {
	var able []session.User
	for _, u := range c.Users {
		if u.CanLogIn() {
			able = append(able, session.User{
				ID:       u.ID,
				Name:     u.Name,
				Limit:    rmcp.Privilege(u.Privilege),
				Password: func() []byte { return []byte(u.Password.Reveal()) },
			})
		}
	}
	return able
}
