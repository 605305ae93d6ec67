package script

import (
	"context"
	"fmt"
	"sync"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Loader makes a [Runner] from the provider that a BMC is configured with, as the provider's
// files are at the time. It is safe for concurrent use.
type Loader struct {
	File   string            // the provider file
	Dirs   []string          // where it may include other files from, see [provider.Load]
	Given  map[string]string // the parameters that are set
	Runner Runner            // everything but Provider and Parameters

	mu      sync.Mutex // guards what follows; never held while a file is read
	last    *Runner    // of the provider as it was read last; nil: there was an error
	loading *loading   // nil: no file is being read
}

// A loading is one pass over the provider's files.
type loading struct {
	done   chan struct{} // closed when the result is there
	runner *Runner
	err    error
}

// Load returns a Runner for the provider as its files are now. As long as the files are
// unchanged, it is the same Runner. If the files cannot be read before ctx ends, Load returns
// and the reading goes on; the next Load waits for its end and then reads the files again.
func (l *Loader) Load(ctx context.Context) (*Runner, error) {
	l.mu.Lock()
	earlier := l.loading
	l.mu.Unlock()
	if earlier != nil { // it may have read a file before the latest change
		if err := l.wait(ctx, earlier); err != nil {
			return nil, err
		}
	}
	now := l.begin()
	if err := l.wait(ctx, now); err != nil {
		return nil, err
	}
	return now.runner, now.err
}

// begin starts to read the files, or joins a caller that has just done so.
func (l *Loader) begin() *loading {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loading == nil {
		now, last := &loading{done: make(chan struct{})}, l.last
		l.loading = now
		go func() {
			now.runner, now.err = l.read(last)
			l.mu.Lock()
			l.last, l.loading = now.runner, nil
			l.mu.Unlock()
			close(now.done)
		}()
	}
	return l.loading
}

func (l *Loader) wait(ctx context.Context, w *loading) error {
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("provider file: %s cannot be read: %w", l.File, ctx.Err())
	}
}

// read reads the provider if one of its files has changed.
func (l *Loader) read(last *Runner) (*Runner, error) {
	if last != nil && !last.Provider.Changed() {
		return last, nil
	}
	p, err := provider.Load(l.File, l.Dirs...)
	if err != nil {
		return nil, err
	}
	values, err := p.Values(l.Runner.Name, l.Given)
	if err != nil {
		return nil, err
	}
	runner := l.Runner
	runner.Provider, runner.Parameters = p, values
	return &runner, nil
}
