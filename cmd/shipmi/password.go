package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/shipmi/shipmi/internal/instance"
)

const defaultPassword = "password"

// A passwordSource is where a password comes from: a file, standard input, the
// terminal or, for everybody on the host to see, the command line.
type passwordSource struct {
	text  string
	file  string
	stdin bool
	ask   bool
}

func (p *passwordSource) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&p.text, "password", defaultPassword, "password of the user, which other users of this host can see")
	flags.StringVar(&p.file, "password-file", "", "read the password from this file")
	flags.BoolVar(&p.stdin, "password-stdin", false, "read the password from standard input")
	flags.BoolVar(&p.ask, "ask-password", false, "ask for the password")
	cmd.MarkFlagsMutuallyExclusive("password", "password-file", "password-stdin", "ask-password")
}

func (p *passwordSource) read(a *app) (instance.Secret, error) {
	switch {
	case p.file != "":
		f, err := os.Open(p.file)
		if err != nil {
			return instance.Secret{}, err
		}
		defer f.Close()
		return readPassword(f)
	case p.stdin:
		return readPassword(a.stdin)
	case p.ask:
		return a.askPassword()
	default:
		return instance.Hide(p.text), nil
	}
}

// readPassword reads all of r. The end of the line that editors and echo add is
// no part of the password.
func readPassword(r io.Reader) (instance.Secret, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<10))
	if err != nil {
		return instance.Secret{}, err
	}
	return instance.Hide(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")), nil
}

func (a *app) askPassword() (instance.Secret, error) {
	tty, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return instance.Secret{}, hint(errors.New("no terminal to ask for the password"), "use --password-file or --password-stdin")
	}
	var answers [2]string
	for i, question := range []string{"Password: ", "Again: "} {
		fmt.Fprint(a.stderr, question)
		answer, err := term.ReadPassword(int(tty.Fd()))
		fmt.Fprintln(a.stderr)
		if err != nil {
			return instance.Secret{}, fmt.Errorf("read the password: %w", err)
		}
		answers[i] = string(answer)
	}
	if answers[0] != answers[1] {
		return instance.Secret{}, errors.New("the two passwords differ")
	}
	return instance.Hide(answers[0]), nil
}
