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
	what  string
	text  string
	file  string
	stdin bool
	ask   bool
}

// AddFlags adds the flags for a secret and returns their names.
func (s *Secret) AddFlags(flags *pflag.FlagSet, what string) []string {
	s.what = what
	flags.StringVar(&s.file, what+"-file", "", "read the "+what+" from this file")
	flags.BoolVar(&s.stdin, what+"-stdin", false, "read the "+what+" from standard input")
	flags.BoolVar(&s.ask, "ask-"+what, false, "ask for the "+what)
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
		text, err = t.AskSecret(ctx, s.what)
		if errors.Is(err, terminal.ErrNoTerminal) {
			err = hint.Add(err, "use --%s-file or --%s-stdin", s.what, s.what)
		}
	}
	if strings.HasPrefix(text, byteOrderMark) {
		t.Warn("the %s begins with a byte order mark, which is left out", s.what)
		text = strings.TrimPrefix(text, byteOrderMark)
	}
	if err == nil && text == "" {
		err = fmt.Errorf("the %s is empty", s.what)
	}
	return instance.Hide(text), err
}

// readFile reads a secret from a file. It warns of a file that other users can read.
func readFile(path string, t *terminal.Terminal) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	const others = 0o077
	if info.Mode().IsRegular() && info.Mode().Perm()&others != 0 {
		t.Warn("other users can read %s, or change it: chmod go= %s", path, path)
	}
	return readSecret(f)
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

// generatePassword returns a password of 16 characters, which all clients can use. It has 80
// random bits.
func generatePassword() string {
	random := make([]byte, 10)
	_, _ = rand.Read(random) // it never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(random))
}
