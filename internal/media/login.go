package media

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Logins are files with the user name and the password of an image server, one for each image
// that is being inserted. A file is a configuration file of curl, only its owner can read it,
// and its random name is all that anything else says of it.
type Logins struct {
	Dir string // the runtime directory: passwords reach no disk
}

const loginPrefix = "media-login."

// maxWord is how many bytes a user name or a password may have.
const maxWord = 255

// Text returns what the file of a login says. A colon in a user name cannot be sent
// (RFC 7617 §2), and neither can control characters.
func (Logins) Text(user, password string) (string, error) {
	switch {
	case user == "" || strings.Contains(user, ":"):
		return "", errors.New("the user name for the image is empty or has a colon")
	case len(user) > maxWord || len(password) > maxWord:
		return "", fmt.Errorf("the user name or the password for the image has more than %d bytes", maxWord)
	case !utf8.ValidString(user + password), strings.ContainsFunc(user+password, unicode.IsControl):
		return "", errors.New("the user name or the password for the image is not one line of text")
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(user + ":" + password)
	return `user = "` + quoted + "\"\n", nil
}

// Path is the path of a file by its name.
func (l Logins) Path(name string) string { return filepath.Join(l.Dir, loginPrefix+name) }

// Create creates the file of a login, and returns its name.
func (l Logins) Create(text string) (name string, err error) {
	name = rand.Text()
	f, err := os.OpenFile(l.Path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("login of an image server: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(l.Path(name))
		return "", fmt.Errorf("login of an image server: %w", err)
	}
	return name, nil
}

// Has reports whether the file of that name is there and says text.
func (l Logins) Has(name, text string) bool {
	is, err := os.ReadFile(l.Path(name))
	return err == nil && subtle.ConstantTimeCompare(is, []byte(text)) == 1
}

// Remove removes a file. It does nothing if the file is gone.
func (l Logins) Remove(name string) { os.Remove(l.Path(name)) }

// Names lists the files that are there.
func (l Logins) Names() ([]string, error) {
	entries, err := os.ReadDir(l.Dir)
	if err != nil {
		return nil, fmt.Errorf("logins of image servers: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if name, is := strings.CutPrefix(entry.Name(), loginPrefix); is {
			names = append(names, name)
		}
	}
	return names, nil
}
