package main

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/shipmi/shipmi/internal/activation"
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
	current  instance.Credentials
	applied  uint64 // number of the change that current includes
	path     string // of the file; empty: users cannot be changed
	sessions *session.Table

	mu      sync.Mutex // orders changes of the file
	changes uint64     // changes of the file so far
}

// Credentials implements ipmi.Users.
func (u *users) Credentials() instance.Credentials { return u.current }

// Change implements ipmi.Users.
func (u *users) Change(change func(*instance.Credentials) error) (apply func() (ends []uint32), err error) {
	if u.path == "" {
		return nil, errors.New("SHIPMI_CREDENTIALS not set")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	dir, name := filepath.Split(u.path)
	changed, err := keyring.Keyring{Dir: filepath.Clean(dir), Patience: lockPatience}.Change(name, change)
	if err != nil {
		return nil, err
	}
	u.changes++
	number := u.changes
	return func() []uint32 { return u.apply(changed, number) }, nil
}

// apply has a change of the file take effect, unless a later one has, which includes it.
func (u *users) apply(changed instance.Credentials, number uint64) (ends []uint32) {
	if number < u.applied {
		return nil
	}
	u.current, u.applied = changed, number
	for _, s := range u.sessions.SetUsers(whoCanLogIn(changed), activation.Uptime()) {
		ends = append(ends, s.ID())
	}
	return ends
}

// readCredentials reads the copy of the credential file that systemd has put into dir. If systemd has passed no
// credentials, it reads the file itself: in containers of LXC and Incus, a drop-in for all services empties
// LoadCredential=. A process that does not run as root cannot read the file, and its unit does not name it.
func readCredentials(dir, file string) (instance.Credentials, error) {
	if dir != "" {
		file = filepath.Join(dir, "users")
	}
	if file == "" {
		return instance.Credentials{}, errors.New("CREDENTIALS_DIRECTORY not set: does the unit have LoadCredential=users:…, and no drop-in that empties it?")
	}
	b, err := os.ReadFile(file)
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
