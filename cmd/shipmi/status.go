package main

import (
	"context"

	"github.com/shipmi/shipmi/internal/units"
)

// What can be said of a BMC in a word.
const (
	running = "running" // its socket listens
	down    = "down"
	broken  = "error" // systemd could not start it, or its files make no sense
)

// statuses asks systemd for the status of all bmcs at once.
func (a *app) statuses(ctx context.Context, bmcs []units.BMC) (map[string]string, error) {
	s, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	states, err := s.States(ctx, append(sockets(bmcs), services(bmcs)...))
	if err != nil {
		return nil, err
	}

	status := make(map[string]string)
	for _, b := range bmcs {
		socket, service := states[units.SocketUnit(b.Name)], states[units.ServiceUnit(b.Name)]
		switch {
		case b.Err != nil, socket == "failed", socket == "active" && service == "failed":
			status[b.Name] = broken
		case socket == "active":
			status[b.Name] = running
		default:
			status[b.Name] = down
		}
	}
	return status, nil
}

func sockets(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, units.SocketUnit(b.Name))
	}
	return names
}

func services(bmcs []units.BMC) []string {
	var names []string
	for _, b := range bmcs {
		names = append(names, units.ServiceUnit(b.Name))
	}
	return names
}
