package main

import (
	"context"
	"time"
)

// leastInterval is how often anybody can look.
const leastInterval = 100 * time.Millisecond

// every calls show, and again whenever so much time has passed, until the user has
// seen enough. Without an interval that is once. A terminal shows one page at a time.
// Once there was something to see, errors are shown, too, and may go away.
func (a *app) every(ctx context.Context, interval time.Duration, show func(context.Context) error) error {
	if interval == 0 {
		return show(ctx)
	}
	tick := time.NewTicker(max(interval, leastInterval))
	defer tick.Stop()
	for first := true; ; first = false {
		err := a.paged(func() error {
			err := show(ctx)
			if err == nil || first || ctx.Err() != nil {
				return err
			}
			a.report(err)
			return nil
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// paged has a terminal show as one page what show prints.
func (a *app) paged(show func() error) error {
	if !isTerminal(a.stdout) {
		return show()
	}
	stdout, stderr := a.stdout, a.stderr
	defer func() { a.stdout, a.stderr = stdout, stderr }()
	p := &page{descriptor: stdout.(descriptor)}
	a.stdout = p
	if isTerminal(stderr) {
		a.stderr = p
	}
	if err := show(); err != nil {
		return err
	}
	return p.show(stdout)
}
