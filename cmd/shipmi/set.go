package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/doctor"
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
		Long: `Change the settings that "shipmi add" made: those that are given. The files and
addresses of all BMCs that are named change, or of none. An empty text removes a
comment, a --run-as or a word of the inventory, "--allow any" removes the networks, and
"--timeout action=" and "--cipher-suites ''" give back the defaults. Changes take effect
immediately:

  --port, --address, --allow             a BMC that listens is restarted, and all its
                                         sessions end; if it cannot listen on the new
                                         address, nothing is changed
  --...password..., --username           of the user that "add" created: its sessions
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
	reloaded := false
	err = a.store.Update(names, edit, func(made []units.Change) error {
		if err := check(); err != nil || made == nil {
			return err
		}
		changes = made
		if err := s.Reload(ctx); err != nil {
			return err
		}
		reloaded = true
		return restartSockets(ctx, s, changes)
	})
	if err != nil && reloaded {
		return errors.Join(err, restoreSockets(ctx, s, active, changes))
	}
	if err != nil {
		return err
	}
	if err := a.printGenerated(change); err != nil {
		return err
	}
	a.warnPassword(after, change.Password())
	given := flags.Given()
	if slices.Contains(given, "provider") || slices.Contains(given, "run-as") {
		a.warnUntrusted(after)
		a.warnScripts(ctx, after)
	}
	err = restartServices(ctx, s, changes)
	if slices.Contains(given, "allow") {
		a.warnUnfiltered(ctx, s, active)
	}
	return err
}

// checkMoves returns the BMCs that listen, with their new settings, and an error for each
// new address that another program uses. The BMCs themselves still use the addresses that
// they had before.
func (a *app) checkMoves(ctx context.Context, s serviceManager, before, after []units.BMC) (active []units.BMC, err error) {
	states, err := s.States(ctx, sockets(after))
	if err != nil {
		return nil, err
	}
	isActive := func(b units.BMC) bool { return states[units.SocketUnit(b.Name)] == "active" }
	var used []netip.AddrPort
	for _, b := range before {
		if isActive(b) {
			used = append(used, b.Listen...)
		}
	}
	var errs []error
	for i, b := range after {
		if !isActive(b) {
			continue
		}
		active = append(active, b)
		moved := b
		moved.Listen = nil
		for _, addr := range b.Listen {
			overlaps := func(own netip.AddrPort) bool { return units.Overlap(addr, own) }
			switch {
			case slices.Contains(before[i].Listen, addr):
			case slices.ContainsFunc(used, overlaps): // it cannot be bound while the BMCs listen
				errs = append(errs, a.checkOthers(b.Name, addr, used))
			default:
				moved.Listen = append(moved.Listen, addr)
			}
		}
		conns, err := a.listen(moved)
		for _, conn := range conns {
			conn.Close()
		}
		errs = append(errs, err)
	}
	return active, errors.Join(errs...)
}

// checkOthers returns an error if a socket that is not one of the used ones would receive
// the packets to an address.
func (a *app) checkOthers(name string, addr netip.AddrPort, used []netip.AddrPort) error {
	others, err := doctor.UDPSockets(a.procDir)
	if err != nil {
		return err
	}
	for _, own := range used {
		if i := slices.Index(others, own); i >= 0 {
			others = slices.Delete(others, i, i+1)
		}
	}
	if slices.ContainsFunc(others, func(other netip.AddrPort) bool { return units.Overlap(addr, other) }) {
		return inUse(name, addr)
	}
	return nil
}

// restartSockets restarts the sockets whose addresses have changed and that are running.
func restartSockets(ctx context.Context, s serviceManager, changes []units.Change) error {
	var moved []string
	for _, c := range changes {
		if c.Listen {
			moved = append(moved, units.SocketUnit(c.Name))
		}
	}
	if moved == nil {
		return nil
	}
	failed := s.TryRestart(ctx, moved)
	var errs []error
	for _, c := range changes {
		if err := failed[units.SocketUnit(c.Name)]; err != nil {
			err = fmt.Errorf("%s: it cannot listen on the new address, and nothing is changed: %w", c.Name, err)
			errs = append(errs, hint.Add(err, `see "shipmi logs %s"`, c.Name))
		}
	}
	return errors.Join(errs...)
}

// restoreSockets makes the BMCs that listened listen on their former addresses again. Their
// former files are in place again.
func restoreSockets(ctx context.Context, s serviceManager, active []units.BMC, changes []units.Change) error {
	var names []string
	for _, b := range active {
		if slices.ContainsFunc(changes, func(c units.Change) bool { return c.Listen && c.Name == b.Name }) {
			names = append(names, units.SocketUnit(b.Name))
		}
	}
	undo := context.WithoutCancel(ctx)
	errs := []error{s.Reload(undo)}
	if names != nil {
		s.TryRestart(undo, names)
		for _, err := range s.Start(undo, names) { // those that could not restart are not running
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// restartServices restarts the processes that run with former settings. A BMC whose socket
// was restarted has no such process.
func restartServices(ctx context.Context, s serviceManager, changes []units.Change) error {
	var names, outdated []string
	for _, c := range changes {
		if !c.Listen && (c.Service || c.Credentials) {
			names = append(names, c.Name)
			outdated = append(outdated, units.ServiceUnit(c.Name))
		}
	}
	if outdated == nil {
		return nil
	}
	failed := s.TryRestart(ctx, outdated)
	var errs []error
	for i, unit := range outdated {
		if err := failed[unit]; err != nil {
			err = fmt.Errorf("%s: the change is stored but has no effect yet: %w", names[i], err)
			errs = append(errs, hint.Add(err, `see "shipmi logs %s"`, names[i]))
		}
	}
	return errors.Join(errs...)
}
