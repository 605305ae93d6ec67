package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
)

const defaultPassword = "password"

// A secretSource is where a password or a Kg comes from: a file, standard input,
// the terminal or, where a command has a flag for it, the command line, for
// everybody on the host to see.
type secretSource struct {
	what  string
	text  string
	file  string
	stdin bool
	ask   bool
}

// addFlags adds the flags for a secret to a command and returns their names.
func (s *secretSource) addFlags(cmd *cobra.Command, what string) []string {
	s.what = what
	flags := cmd.Flags()
	flags.StringVar(&s.file, what+"-file", "", "read the "+what+" from this file")
	flags.BoolVar(&s.stdin, what+"-stdin", false, "read the "+what+" from standard input")
	flags.BoolVar(&s.ask, "ask-"+what, false, "ask for the "+what)
	return []string{what + "-file", what + "-stdin", "ask-" + what}
}

func (s *secretSource) given() bool { return s.text != "" || s.file != "" || s.stdin || s.ask }

func (s *secretSource) read(ctx context.Context, a *app) (instance.Secret, error) {
	text := s.text
	var err error
	switch {
	case s.file != "":
		text, err = interruptible(ctx, func() (string, error) { return readFile(s.file) })
	case s.stdin:
		text, err = interruptible(ctx, func() (string, error) { return readSecret(a.stdin) })
	case s.ask:
		text, err = a.ask(ctx, s.what)
	}
	if err == nil && text == "" {
		err = fmt.Errorf("the %s is empty", s.what)
	}
	return instance.Hide(text), err
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readSecret(f)
}

// readSecret reads all of r. The end of the line that editors and echo add is no part
// of the secret.
func readSecret(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<10))
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), err
}

// ask asks twice, because nobody sees what he types.
func (a *app) ask(ctx context.Context, what string) (string, error) {
	if !isTerminal(a.stdin) {
		return "", hint(fmt.Errorf("no terminal to ask for the %s", what), "use --%s-file or --%s-stdin", what, what)
	}
	var answers [2]string
	for i, question := range []string{strings.ToUpper(what[:1]) + what[1:] + ": ", "Again: "} {
		fmt.Fprint(a.stderr, question)
		answer, err := hidden(ctx, a.stdin.(descriptor))
		fmt.Fprintln(a.stderr)
		if err != nil {
			return "", fmt.Errorf("read the %s: %w", what, err)
		}
		answers[i] = answer
	}
	if answers[0] != answers[1] {
		return "", errors.New("the two answers differ")
	}
	return answers[0], nil
}
