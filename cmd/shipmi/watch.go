package main

import (
	"context"
	"fmt"
	"time"
)

// leastInterval is how often anybody can look.
const leastInterval = 100 * time.Millisecond

// every calls show, and again whenever so much time has passed, until the user has
// seen enough. Without an interval that is once. A terminal is cleared in between.
func (a *app) every(ctx context.Context, interval time.Duration, show func(context.Context) error) error {
	if interval == 0 {
		return show(ctx)
	}
	tick := time.NewTicker(max(interval, leastInterval))
	defer tick.Stop()
	for {
		if isTerminal(a.stdout) {
			fmt.Fprint(a.stdout, "\x1b[H\x1b[2J")
		}
		if err := show(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
