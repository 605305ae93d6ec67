package terminal

import (
	"context"
	"time"
)

// minInterval is the shortest time between two screens.
const minInterval = 100 * time.Millisecond

// Watch calls show, and calls it again after each interval until ctx ends. An interval of
// 0 means once. On a terminal, each call replaces the screen. An error of the first call
// is returned. Later errors may be temporary: report prints them, and Watch goes on.
func (t *Terminal) Watch(ctx context.Context, interval time.Duration, show func(context.Context) error, report func(error)) error {
	if interval == 0 {
		return show(ctx)
	}
	tick := time.NewTicker(max(interval, minInterval))
	defer tick.Stop()
	for first := true; ; first = false {
		err := t.onePage(func() error {
			err := show(ctx)
			if err == nil || first || ctx.Err() != nil {
				return err
			}
			report(err)
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

// onePage replaces the screen of a terminal with the output of show.
func (t *Terminal) onePage(show func() error) error {
	if !IsTerminal(t.Stdout) {
		return show()
	}
	stdout, stderr := t.Stdout, t.Stderr
	defer func() { t.Stdout, t.Stderr = stdout, stderr }()
	p := &page{descriptor: stdout.(descriptor)}
	t.Stdout = p
	if IsTerminal(stderr) {
		t.Stderr = p
	}
	if err := show(); err != nil {
		return err
	}
	return p.show(stdout)
}
