package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/term"
)

// ErrNoTerminal means that standard input is no terminal, so the user cannot be asked.
var ErrNoTerminal = errors.New("no terminal")

// Interruptible returns the result of read, or the error of ctx if that ends first. A read
// from a terminal or a pipe does not end by itself when ctx ends.
func Interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}

// AskSecret reads a secret without echo. It asks twice, because the user does not see
// typing errors. The error wraps ErrNoTerminal if there is none.
func (t *Terminal) AskSecret(ctx context.Context, what string) (string, error) {
	if !IsTerminal(t.Stdin) {
		return "", fmt.Errorf("%w to ask for the %s", ErrNoTerminal, what)
	}
	var answers [2]string
	for i, question := range []string{strings.ToUpper(what[:1]) + what[1:] + ": ", "Again: "} {
		fmt.Fprint(t.Stderr, question)
		answer, err := readHidden(ctx, int(t.Stdin.(descriptor).Fd()))
		fmt.Fprintln(t.Stderr)
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

// readHidden reads a line without echo, and restores the echo also when ctx ends.
func readHidden(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }()
	answer, err := Interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	return string(answer), err
}

// Confirm asks a question and reports whether the answer is yes. The error wraps
// ErrNoTerminal if there is none.
func (t *Terminal) Confirm(ctx context.Context, question string) (bool, error) {
	if !IsTerminal(t.Stdin) {
		return false, fmt.Errorf("%w to ask for confirmation", ErrNoTerminal)
	}
	fmt.Fprint(t.Stderr, question, " [y/N] ")
	answer, _ := Interruptible(ctx, func() (string, error) {
		return bufio.NewReader(t.Stdin).ReadString('\n') // the end of the file means no
	})
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))), nil
}
