package main

import (
	"context"
	"errors"
	"maps"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) renameCommand() *cobra.Command {
	return &cobra.Command{
		Use:        "rename OLD NEW",
		SuggestFor: []string{"mv", "move"},
		Short:      "Give a BMC another name",
		Long: `Give a BMC another name. It keeps its settings, users, event log, boot options and your
drop-ins, and it switches the same machine: parameters of the provider that have the
old name as their default are set to it. A BMC that listens is restarted, and its
sessions end. Clients see another GUID, which depends on the name.

A script that uses $SHIPMI_NAME gets the new name.`,
		Example:           `  shipmi rename node-0 web-0`,
		Args:              twoNames,
		ValidArgsFunction: a.completeName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.manage(cmd.Context(), args[:1], func(s serviceManager, bmcs []units.BMC) error {
				return a.rename(cmd.Context(), s, bmcs, args[1])
			})
		},
	}
}

// rename gives the only one of some BMCs another name.
func (a *app) rename(ctx context.Context, s serviceManager, bmcs []units.BMC, to string) error {
	from := bmcs[0].Name
	if err := a.checkIdle(bmcs); err != nil {
		return err
	}
	states, err := s.States(ctx, sockets(bmcs))
	if err != nil {
		return err
	}
	enabled, err := a.store.Enabled()
	if err != nil {
		return err
	}
	isActive, stopped := states[units.SocketUnit(from)] == "active", false
	renamed := []units.BMC{{Instance: instance.Instance{Name: to}}}
	keep := func(b *units.BMC, _ *instance.Credentials) error { return a.keepMachine(from, b) }
	halt := func() error {
		stopped = true
		if _, err := stop(ctx, s, bmcs); err != nil {
			return err
		}
		return a.checkIdle(bmcs) // a script may have started since
	}
	err = a.store.Rename(from, to, keep, halt, func() error {
		if enabled[from] {
			if err := s.Enable(ctx, sockets(renamed)); err != nil {
				return err
			}
		}
		if err := s.Reload(ctx); err != nil || !isActive {
			return err
		}
		return s.Start(ctx, sockets(renamed))[units.SocketUnit(to)]
	})
	if err == nil || !stopped {
		return err
	}
	undo := context.WithoutCancel(ctx)
	s.Stop(undo, sockets(renamed))
	if enabled[from] {
		err = errors.Join(err, a.disable(undo, s, renamed))
	}
	err = errors.Join(err, s.Reload(undo))
	if isActive {
		err = errors.Join(err, startAgain(undo, s, bmcs))
	}
	return hint.Add(err, "%q is still called %q", from, from)
}

// keepMachine sets the parameters whose default depends on the name of the BMC to their
// former values. Without them, the BMC would switch another machine.
func (a *app) keepMachine(from string, b *units.BMC) error {
	p, err := a.host.LoadProvider(b.Provider)
	if err != nil {
		return err
	}
	before, err := p.Values(from, b.Parameters)
	if err != nil {
		return err
	}
	after, err := p.Values(b.Name, b.Parameters)
	if err != nil {
		return err
	}
	set := maps.Clone(b.Parameters)
	for name, value := range before {
		if after[name] != value {
			if set == nil {
				set = make(map[string]string)
			}
			set[name] = value
		}
	}
	b.Parameters = set
	return nil
}
