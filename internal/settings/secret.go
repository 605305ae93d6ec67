package settings

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/terminal"
)

// DefaultPassword is the password of a BMC that is added without one, as in ShIPMI in
// Python.
const DefaultPassword = "password"

// A Secret is the flags that say where to read a password or a Kg: from a file, from
// standard input, from the terminal or, if a command has a flag for it, from the command
// line, which every user of the host can see.
type Secret struct {
	what  string // in the names of flags: password or kg
	text  string
	file  string
	stdin bool
	ask   bool
}

// noun returns the word for the secret in messages and in the help.
func (s *Secret) noun() string {
	if s.what == "kg" {
		return "BMC key"
	}
	return s.what
}

// AddFlags adds the flags for a secret and returns their names.
func (s *Secret) AddFlags(flags *pflag.FlagSet, what string) []string {
	s.what = what
	flags.StringVar(&s.file, what+"-file", "", "read the "+s.noun()+" from this `file`")
	flags.BoolVar(&s.stdin, what+"-stdin", false, "read the "+s.noun()+" from standard input")
	flags.BoolVar(&s.ask, "ask-"+what, false, "ask for the "+s.noun()+" on the terminal")
	return []string{what + "-file", what + "-stdin", "ask-" + what}
}

// Read returns the secret.
func (s *Secret) Read(ctx context.Context, t *terminal.Terminal) (instance.Secret, error) {
	text := s.text
	var err error
	switch {
	case s.file != "":
		text, err = terminal.Interruptible(ctx, func() (string, error) { return readFile(s.file, t) })
	case s.stdin:
		text, err = terminal.Interruptible(ctx, func() (string, error) { return readSecret(t.Stdin) })
	case s.ask:
		text, err = t.AskSecret(ctx, s.noun())
		if errors.Is(err, terminal.ErrNoTerminal) {
			err = hint.Add(err, "use --%s-file or --%s-stdin", s.what, s.what)
		}
	}
	if strings.HasPrefix(text, byteOrderMark) {
		t.Warn("the %s begins with a byte order mark, which is left out", s.noun())
		text = strings.TrimPrefix(text, byteOrderMark)
	}
	if err == nil && text == "" {
		err = fmt.Errorf("the %s is empty", s.noun())
	}
	return instance.Hide(text), err
}

// ReadSecret returns the secret in a file, as --password-file reads it. The argument what is "password" or "kg".
func ReadSecret(ctx context.Context, what, path string, t *terminal.Terminal) (instance.Secret, error) {
	return (&Secret{what: what, file: path}).Read(ctx, t)
}

// readFile reads a secret from a file. It warns of a file that other users can read.
func readFile(path string, t *terminal.Terminal) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := WarnShared(f, t); err != nil {
		return "", err
	}
	return readSecret(f)
}

// WarnShared warns of a file with secrets that other users can read.
func WarnShared(f *os.File, t *terminal.Terminal) error {
	info, err := f.Stat()
	const others = 0o077
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&others != 0 {
		t.Warn("other users can read %s, or change it: chmod go= %s", f.Name(), f.Name())
	}
	return err
}

// byteOrderMark is what some editors put before the first character of a file.
const byteOrderMark = "\uFEFF"

// maxSecret is more than every secret has, in bytes. It limits what is read.
const maxSecret = 1 << 10

// readSecret reads r to its end. It drops one line end, which editors and echo add.
func readSecret(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSecret))
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), err
}

// GeneratePassword returns a password of 16 characters, which all clients can use. It has 80
// random bits.
func GeneratePassword() string {
	random := make([]byte, 10)
	_, _ = rand.Read(random) // it never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(random))
}
