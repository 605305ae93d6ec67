package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/internal/units"
)

// A consoleUse is who has the console open, in JSON.
type consoleUse struct {
	Client   *consoleClient  `json:"client"` // the one that types; nil: none
	Watchers []consoleClient `json:"watchers"`
}

// A consoleClient is a client that has the console open.
type consoleClient struct {
	User  string    `json:"user"`
	Peer  string    `json:"peer"`
	Since time.Time `json:"since"`
}

func (c consoleClient) String() string {
	return fmt.Sprintf("%s from %s since %s", c.User, c.Peer, c.Since.Local().Format(time.DateTime))
}

func (u consoleUse) String() string {
	var texts []string
	if u.Client != nil {
		texts = append(texts, u.Client.String())
	}
	switch n := len(u.Watchers); {
	case n == 1:
		texts = append(texts, "1 client watches")
	case n > 1:
		texts = append(texts, fmt.Sprintf("%d clients watch", n))
	}
	return strings.Join(texts, ", ")
}

// consoleLine returns a copy of the console line of a BMC. The error wraps [fs.ErrNotExist] if
// there is none.
func (a *app) consoleLine(b units.BMC) (*console.Line, error) {
	file, err := actionlog.Open(a.store.ConsoleFile(b.Name)) // a user who is not trusted may own it
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return serial.Inspect(file, bootTime())
}

// consoleUseOf returns who has the console of a BMC open. It leaves out clients whose session
// has ended: the process of the BMC may not run, and so may not have noticed.
func (a *app) consoleUseOf(b units.BMC) (consoleUse, error) {
	use := consoleUse{Watchers: []consoleClient{}}
	line, err := a.consoleLine(b)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return use, err
	}
	open, err := a.openSessions(b)
	if err != nil {
		return use, err
	}
	isOpen := func(id uint32) bool {
		return slices.ContainsFunc(open, func(s session.Summary) bool { return s.ID == id })
	}
	booted := time.Now().Add(-bootTime())
	for p := range line.Payloads() {
		if !isOpen(p.Session) {
			continue
		}
		c := consoleClient{p.User, p.Peer.String(), booted.Add(p.Since)}
		if err := errors.Join(instance.CheckText(c.User), instance.CheckText(c.Peer)); err != nil {
			return use, err // a user who is not trusted may have written it
		}
		if p.Instance == 1 {
			use.Client = &c
		} else {
			use.Watchers = append(use.Watchers, c)
		}
	}
	return use, nil
}

// consoleCell returns a cell with the clients that have the console of a BMC open, or nil.
func (a *app) consoleCell(b units.BMC) any {
	use, err := a.consoleUseOf(b)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil
	case err != nil:
		a.Warn("%s: its console cannot be read: %v", b.Name, err)
		return nil
	case use.Client == nil && len(use.Watchers) == 0:
		return nil
	}
	return use
}
