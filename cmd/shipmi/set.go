package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) setCommand() *cobra.Command {
	var (
		flags    settings.Flags
		selected selection
		dryRun   bool
	)
	cmd := &cobra.Command{
		Use:        "set NAME...",
		SuggestFor: []string{"edit", "modify", "update", "config"},
		Short:      "Change the settings of BMCs",
		Long: `Change the settings that "shipmi add" made: those that are given, for all BMCs that are
named or for none. An empty text removes a comment, a --run-as or a word of the
inventory, "--allow any" removes the networks, and "--timeout action=" and
"--cipher-suites ''" give back the defaults. Changes take effect immediately:

  --port, --address, --allow             a BMC that listens is restarted, and all its
                                         sessions end
  --password..., --username              of the user that "add" created: its sessions
                                         end; "shipmi user" manages other users
  --kg...                                all sessions end
  --provider, --run-as, --timeout,       sessions and running scripts continue
  --cipher-suites, the inventory
  --comment                              nothing else happens

With --provider, parameters of the old provider stay set if the new provider has them,
too. If it does not have one of them, nothing is changed: give --unset NAME or
--reset-parameters.

Whether a BMC starts at boot does not change. --dry-run reports errors, too.`,
		Example: `  shipmi set node-0 --port 6231
  shipmi set node-0 --ask-password
  shipmi set node-0 --provider proxmox-qm --unset domain --set vmid=105
  shipmi set node-0 --timeout action=20m --cipher-suites 17
  shipmi set 'rack-3-*' --provider lab --comment ''
  shipmi set --all --password-file secret --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.set(cmd.Context(), selected.patterns(args), &flags, dryRun)
		},
	}
	selected.addTo(cmd, a)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if flags.Given() == nil && (selected.all || len(args) > 0) {
			return errors.New("nothing to set")
		}
		return selected.check(cmd, args)
	}
	flags.AddPartialFlags(cmd, &a.host)
	a.completeFlags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("unset", a.completeParameter)
	cmd.SetUsageFunc(sectionedUsage)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, but print the names of the BMCs that would be changed")
	return cmd
}

func (a *app) set(ctx context.Context, patterns []string, flags *settings.Flags, dryRun bool) error {
	config, err := a.host.LoadConfig()
	if err != nil {
		return err
	}
	bmcs, err := a.findBMCs(patterns...)
	if err != nil {
		return err
	}
	change, err := flags.Change(ctx, a.host, config, &a.Terminal, len(bmcs))
	if err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()

	var names []string
	for _, b := range bmcs {
		names = append(names, b.Name)
	}
	var before, after, active []units.BMC
	edit := func(b *units.BMC, c *instance.Credentials) error {
		before = append(before, *b)
		if err := errors.Join(change.BMC(b), change.Credentials(b.Name, c)); err != nil {
			return err
		}
		after = append(after, *b)
		return nil
	}
	check := func() (err error) {
		active, err = a.checkMoves(ctx, s, before, after)
		return err
	}
	if dryRun {
		changes, err := a.store.Plan(names, edit)
		if err == nil {
			err = check()
		}
		if err != nil {
			return err
		}
		for _, c := range changes {
			fmt.Fprintln(a.Stdout, c.Name)
		}
		return nil
	}
	var changes []units.Change
	err = a.store.Update(names, edit, func(made []units.Change) error {
		if err := check(); err != nil || made == nil {
			return err
		}
		changes = made
		return s.Reload(ctx)
	})
	if err != nil {
		return err
	}
	a.warnPassword(after, change.Password())
	given := flags.Given()
	if slices.Contains(given, "provider") || slices.Contains(given, "run-as") {
		a.warnUntrusted(after)
		a.warnScripts(ctx, after)
	}
	err = restart(ctx, s, unitsToRestart(changes))
	if slices.Contains(given, "allow") {
		a.warnUnfiltered(ctx, s, active)
	}
	return err
}

// checkMoves returns the BMCs that listen, with their new settings, and an error for each
// new address that another program uses. The BMCs themselves use the ports that they had
// before.
func (a *app) checkMoves(ctx context.Context, s serviceManager, before, after []units.BMC) (active []units.BMC, err error) {
	states, err := s.States(ctx, sockets(after))
	if err != nil {
		return nil, err
	}
	var used []any
	for _, b := range before {
		used = append(used, ports(b.Listen)...)
	}
	var errs []error
	for _, b := range after {
		if states[units.SocketUnit(b.Name)] != "active" {
			continue
		}
		active = append(active, b)
		moved := b
		moved.Listen = slices.DeleteFunc(slices.Clone(b.Listen), func(addr netip.AddrPort) bool {
			return slices.Contains(used, any(int(addr.Port())))
		})
		conns, err := a.listen(moved)
		for _, conn := range conns {
			conn.Close()
		}
		errs = append(errs, err)
	}
	return active, errors.Join(errs...)
}

// A restartable is the unit of a BMC that has to be restarted so that a change takes effect.
type restartable struct{ bmc, unit string }

// unitsToRestart returns one unit of each BMC that needs a restart.
func unitsToRestart(changes []units.Change) (all []restartable) {
	for _, c := range changes {
		switch {
		case c.Listen:
			all = append(all, restartable{c.Name, units.SocketUnit(c.Name)})
		case c.Service, c.Credentials:
			all = append(all, restartable{c.Name, units.ServiceUnit(c.Name)})
		}
	}
	return all
}

// restart restarts those of the units that are running.
func restart(ctx context.Context, s serviceManager, all []restartable) error {
	if all == nil {
		return nil
	}
	var names []string
	for _, r := range all {
		names = append(names, r.unit)
	}
	failed := s.TryRestart(ctx, names)
	var errs []error
	for _, r := range all {
		if err := failed[r.unit]; err != nil {
			err = fmt.Errorf("%s: the change is stored but has no effect yet: %w", r.bmc, err)
			errs = append(errs, hint.Add(err, `see "shipmi logs %s"`, r.bmc))
		}
	}
	return errors.Join(errs...)
}
