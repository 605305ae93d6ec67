package bmc

import (
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
)

// WithLogin returns an image with the login of its server, which it keeps in a file. The file is
// removed when the image has been inserted, or is not going to be: so the intent must be
// submitted before the lock is free. A request that repeats another one gets the same file, and
// so has an equal intent.
func (b *BMC) WithLogin(m machine.Media, user, password string) (machine.Media, error) {
	text, err := b.Logins.Text(user, password)
	if err != nil {
		return machine.Media{}, err
	}
	for i := range b.Jobs.Joinable() {
		same := i.Media
		same.Login = m.Login
		if i.Media.Login != "" && same == m && b.Logins.Has(i.Media.Login, text) {
			return i.Media, nil
		}
	}
	if m.Login, err = b.Logins.Create(text); err != nil {
		return machine.Media{}, err
	}
	b.logins = append(b.logins, m.Login)
	return m, nil
}

// recallLogins finds the files that an earlier process left.
func (b *BMC) recallLogins() {
	names, err := b.Logins.Names()
	if err != nil {
		b.Log.Warn("files not found that may have to be removed", "err", err)
	}
	b.logins = names
}

// forgetLogins removes the files of images that no job inserts.
func (b *BMC) forgetLogins() {
	if len(b.logins) == 0 {
		return
	}
	needed := make(map[string]bool)
	for i := range b.Jobs.Unfinished() {
		needed[i.Media.Login] = true
	}
	b.logins = slices.DeleteFunc(b.logins, func(name string) bool {
		if !needed[name] {
			b.Logins.Remove(name)
		}
		return !needed[name]
	})
}
