package bmc

import (
	"context"
	"errors"
	"slices"

	"github.com/shipmi/shipmi/internal/provider"
)

// Whoever edits a provider means the next command. So its files are looked at for
// each command that needs them, but by a worker: they may be on a file system that
// does not answer.

const maxLooks = 64 // requests that wait for one look; a console repeats one that is dropped

// looks is what was last seen of the provider, and what waits for the next look.
type looks struct {
	runner  *provider.Runner // of the last look that found a provider
	err     error            // of a look, while those who waited for it are served
	running bool
	waiting []func()
}

// provider implements the field of ipmi.BMC. There was a look by then.
func (l *looks) provider() (*provider.Provider, error) {
	if l.err != nil {
		return nil, l.err
	}
	return l.runner.Provider, nil
}

// look does something once the provider was looked at. A look that has begun may have
// seen the files as they were before.
func (s *Server) look(then func()) {
	s.looks.waiting = append(s.looks.waiting, then)
	s.nextLook()
}

func (s *Server) nextLook() {
	l := &s.looks
	if l.running || len(l.waiting) == 0 {
		return
	}
	ready := l.waiting
	l.running, l.waiting = true, nil
	s.work(func() func() {
		// Who waits for an action waits no longer for what comes before it.
		ctx, cancel := context.WithTimeout(s.scripts, s.Answer)
		defer cancel()
		runner, err := s.Scripts.look(ctx)
		return func() {
			if l.running, l.err = false, err; err == nil {
				l.runner = runner
			}
			for _, then := range ready {
				then()
			}
			l.err = nil // what waits for its turn was looked at before
			s.nextLook()
		}
	})
}

var errTooManyWait = errors.New("too many requests wait for the provider's files")

// handleLater handles a request once the provider was looked at, if its session is
// there by then.
func (s *Server) handleLater(w waiter) error {
	if len(s.looks.waiting) >= maxLooks {
		return errTooManyWait
	}
	w.request.Data = slices.Clone(w.request.Data) // it outlives the datagram
	s.look(func() {
		if sess := s.Sessions.Find(w.session, s.now); sess != nil {
			s.handle(sess, w)
		}
	})
	return nil
}
