package main

import (
	"context"

	"golang.org/x/term"
)

// interruptible returns what read returns, or the error of ctx where that ends first:
// nothing else ends the wait for a person or for another program.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
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

// hidden reads a line from a terminal, which does not show it, and shows again what is
// typed afterwards, whatever happens.
func hidden(ctx context.Context, terminal descriptor) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }()
	answer, err := interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	return string(answer), err
}
