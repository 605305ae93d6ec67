package main

import (
	"fmt"

	"github.com/shipmi/shipmi/internal/systemd"
)

// fewUnits is how many units are done before anybody wonders.
const fewUnits = 20

// progress tells a person at a terminal how far work on many units has come.
func (a *app) progress(done, all int) {
	switch {
	case all <= fewUnits || !isTerminal(a.stderr):
	case done < all:
		fmt.Fprintf(a.stderr, "\rshipmi: %d of %d units", done, all)
	default:
		fmt.Fprint(a.stderr, "\r\x1b[K")
	}
}

// withProgress has what systemd does reported.
func (a *app) withProgress(s *systemd.Manager) serviceManager {
	if s == nil {
		return nil
	}
	s.Progress = a.progress
	return s
}
