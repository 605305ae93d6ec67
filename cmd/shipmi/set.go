package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
		Long: `Change settings that "shipmi add" made. Settings that are not given stay as they are. If
the files or the addresses of one BMC cannot be changed, those of no BMC change.

These values remove a setting, or restore its default:

  --allow any, --redfish none,           accept packets from all networks, do not speak
  --no-ipmi=false, --inband=off          Redfish, speak IPMI again, lock the guest out
  --comment '', --run-as '',             remove the value; so do --manufacturer, --product,
  --advertise '', --asset ''             --serial and --uuid
  --timeout action=, --cipher-suites '', restore the default
  --console-log '', --media-urls '',
  --tls-cert '' --tls-key ''

Changes take effect immediately:

  --port, --address, --allow, --redfish, a BMC that listens is restarted, and all its
  --no-ipmi                              sessions end; if it cannot listen on the new
                                         address, nothing is changed
  --...password..., --username           of the user that "add" created: its sessions
                                         end; "shipmi user" manages other users
  --kg...                                all sessions end
  --provider, --set, --run-as,           sessions and running scripts continue, and a guest
  --timeout, --cipher-suites,            that asks meanwhile waits for its answer; only the
  --advertise, --console-...,            console script of another provider or of other
  --tls-..., --inband, the inventory     parameters is run again
  --comment                              nothing else happens

On a host with a thousand BMCs, a change takes a second or more, because systemd has to
read its unit files again. A comment, a password or a BMC key is changed without that.

With --provider, parameters of the old provider stay set if the new provider has them,
too. If the new provider does not have one of them, nothing is changed: give
--unset PARAMETER or --reset-parameters.

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
			return errors.New("no setting is given")
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

	var before, after, active []units.BMC
	edit := func(b *units.BMC, c *instance.Credentials) error {
		before = append(before, *b)
		if err := errors.Join(change.BMC(b), change.Credentials(b.Name, c)); err != nil {
			return err
		}
		after = append(after, *b)
		return nil
	}
	given := flags.Given()
	check := func(made []units.Change) (err error) {
		needed := slices.ContainsFunc(made, func(c units.Change) bool { return c.Listen || c.Inband }) ||
			slices.Contains(given, "allow") || slices.Contains(given, "console-log")
		if needed {
			active, err = a.checkMoves(ctx, s, before, after)
		}
		return err
	}
	if dryRun {
		changes, err := a.store.Plan(bmcNames(bmcs), edit)
		if err == nil {
			err = check(changes)
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
	err = a.store.Update(bmcNames(bmcs), edit, func(made []units.Change) error {
		changes = made
		if err := check(made); err != nil {
			return err
		}
		if _, err := a.certify(ctx, after); err != nil || !slices.ContainsFunc(made, units.Change.NeedsReload) {
			return err
		}
		if err := s.Reload(ctx); err != nil {
			return err
		}
		reloaded = true
		if err := restartSockets(ctx, s, changes); err != nil {
			return err
		}
		return switchInband(ctx, s, active, changes)
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
	if slices.Contains(given, "redfish") || slices.Contains(given, "tls-cert") {
		a.explainRedfish(after)
		if err := a.explainGateway(after); err != nil {
			return err
		}
	}
	if slices.Contains(given, "provider") || slices.Contains(given, "run-as") {
		a.warnUntrusted(after)
		a.warnScripts(ctx, after)
	}
	err = restartServices(ctx, s, changes)
	if slices.Contains(given, "console-log") {
		err = errors.Join(err, startLogged(ctx, s, active))
	}
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
	var used []units.Endpoint
	for _, b := range before {
		if isActive(b) {
			used = append(used, b.Endpoints()...)
		}
	}
	var errs []error
	for i, b := range after {
		if !isActive(b) {
			continue
		}
		active = append(active, b)
		errs = append(errs, a.checkFree(b, before[i].Endpoints(), used))
	}
	return active, errors.Join(errs...)
}

// checkFree returns an error for each address of a BMC that another program uses. had are the
// addresses that the BMC listens on now, and used are those of all BMCs that will have stopped
// to listen there.
func (a *app) checkFree(b units.BMC, had, used []units.Endpoint) error {
	var errs []error
	var moved []units.Endpoint
	for _, e := range b.Endpoints() {
		overlaps := func(own units.Endpoint) bool { return units.Overlap(e, own) }
		switch {
		case slices.Contains(had, e):
		case slices.ContainsFunc(used, overlaps): // it cannot be bound while the BMCs listen
			errs = append(errs, a.checkOthers(b.Name, e, used))
		default:
			moved = append(moved, e)
		}
	}
	bound, err := a.listen(b.Name, moved)
	for _, socket := range bound {
		socket.Close()
	}
	return errors.Join(append(errs, err)...)
}

// checkOthers returns an error if a socket that is not one of the used ones would receive
// the packets to an address.
func (a *app) checkOthers(name string, e units.Endpoint, used []units.Endpoint) error {
	others, err := doctor.Endpoints(a.procDir)
	if err != nil {
		return err
	}
	for _, own := range used {
		if i := slices.Index(others, own); i >= 0 {
			others = slices.Delete(others, i, i+1)
		}
	}
	if slices.ContainsFunc(others, func(other units.Endpoint) bool { return units.Overlap(e, other) }) {
		return inUse(name, e)
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

// startTries is how often a process is stopped so that a socket can start, if a packet from
// the network starts the process in between.
const startTries = 5

// switchInband starts and stops the sockets for guests of BMCs that listen.
func switchInband(ctx context.Context, s serviceManager, active []units.BMC, changes []units.Change) error {
	var start, stop []string
	for _, b := range active {
		if !slices.ContainsFunc(changes, func(c units.Change) bool { return c.Inband && c.Name == b.Name }) {
			continue
		}
		if b.Inband != 0 {
			start = append(start, b.Name)
		} else {
			stop = append(stop, units.InbandUnit(b.Name))
		}
	}
	var errs []error
	if stop != nil {
		errs = append(errs, slices.Collect(maps.Values(s.Stop(ctx, stop)))...)
	}
	return errors.Join(append(errs, startInband(ctx, s, start))...)
}

// startInband starts the sockets for the guests of BMCs that listen, given by name. systemd
// starts no socket of a process that runs, because processes know only the sockets that were
// there when they began.
func startInband(ctx context.Context, s serviceManager, names []string) error {
	var errs []error
	for try := 1; len(names) > 0; try++ {
		var sockets, services []string
		for _, name := range names {
			sockets, services = append(sockets, units.InbandUnit(name)), append(services, units.ServiceUnit(name))
		}
		s.Stop(ctx, services)
		failed := s.Start(ctx, sockets)
		states, err := s.States(ctx, services)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		var again []string
		for _, name := range names {
			failure := failed[units.InbandUnit(name)]
			switch {
			case failure == nil:
			case try < startTries && states[units.ServiceUnit(name)] == "active":
				again = append(again, name)
			default:
				failure = fmt.Errorf("%s: its guest cannot connect: %w", name, failure)
				errs = append(errs, hint.Add(failure, "%s", doctor.InbandHint(name)))
			}
		}
		names = again
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

// startLogged starts the processes of the BMCs that run as long as systemd listens, because
// they always log the console.
func startLogged(ctx context.Context, s serviceManager, active []units.BMC) error {
	logged := slices.DeleteFunc(slices.Clone(active), func(b units.BMC) bool { return !b.Console.LogAlways })
	if len(logged) == 0 {
		return nil
	}
	return startServices(ctx, s, logged)
}
