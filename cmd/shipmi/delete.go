package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) deleteCommand() *cobra.Command {
	var (
		selected selection
		yes      bool
	)
	cmd := &cobra.Command{
		Use:        "delete NAME...",
		Aliases:    []string{"rm"},
		SuggestFor: []string{"remove", "del"},
		Short:      "Stop BMCs and delete everything that is stored for them",
		Long: `Stop BMCs and delete everything that is stored for them: settings, credentials,
sessions and boot options. Providers and the managed machines are left alone.

Drop-ins that you wrote for a BMC are deleted, too, and so is what "systemctl edit",
"systemctl mask" and "systemctl set-property" stored for its units. A warning names
these files. On a terminal, you are asked before they are deleted, and before --all.`,
		Example: `  shipmi delete node-0
  shipmi delete node-1 node-2
  shipmi delete 'rack-3-*' --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.manage(cmd.Context(), selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
				if err := a.confirmDelete(cmd.Context(), bmcs, selected.all, yes); err != nil {
					return err
				}
				return a.delete(cmd.Context(), s, bmcs)
			})
		},
	}
	selected.addTo(cmd, a)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return cmd
}

// confirmDelete names the files that the administrator wrote, and asks whether they may be
// deleted. Without a terminal, it does not ask.
func (a *app) confirmDelete(ctx context.Context, bmcs []units.BMC, all, yes bool) error {
	byHand, err := a.store.ByHand()
	if err != nil {
		return err
	}
	ask := all
	for _, b := range bmcs {
		files, err := byHand.Files(units.Units(b.Name))
		if err != nil {
			return err
		}
		if files != nil {
			a.Warn(`%s: files that "shipmi" did not write are deleted, too: %s`, b.Name, strings.Join(files, ", "))
			ask = true
		}
	}
	if yes || !ask {
		return nil
	}
	confirmed, err := a.Confirm(ctx, fmt.Sprintf("Delete %d BMCs?", len(bmcs)))
	if err == nil && !confirmed {
		return errors.New("nothing was done")
	}
	if errors.Is(err, terminal.ErrNoTerminal) {
		return nil
	}
	return err
}

// delete deletes the BMCs that stop. A BMC that cannot be deleted is enabled and listens again
// if it was enabled and listened before.
func (a *app) delete(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	if err := a.checkIdle(bmcs); err != nil {
		return err
	}
	before, err := s.States(ctx, sockets(bmcs))
	if err != nil {
		return err
	}
	enabled, err := a.store.Enabled()
	if err != nil {
		return err
	}
	undo := context.WithoutCancel(ctx)
	deletable := make(map[string]bool)
	var failure error
	err = a.store.Delete(bmcNames(bmcs), func([]string) (stopped []string) {
		var idle []units.BMC
		idle, failure = stop(ctx, s, bmcs)
		for _, b := range idle {
			if err := a.checkIdle([]units.BMC{b}); err != nil { // a script may have started since
				failure = errors.Join(failure, err)
				continue
			}
			deletable[b.Name] = true
			stopped = append(stopped, b.Name)
		}
		return stopped
	}, func() error { return s.Reload(undo) })
	kept := slices.DeleteFunc(slices.Clone(bmcs), func(b units.BMC) bool { return err == nil && deletable[b.Name] })
	if len(kept) == 0 || failure == nil && len(deletable) == 0 {
		return errors.Join(failure, err)
	}
	return errors.Join(failure, err, a.asBefore(undo, s, kept, enabled, before))
}

// asBefore enables and starts the BMCs that were enabled and listened before.
func (a *app) asBefore(ctx context.Context, s serviceManager, bmcs []units.BMC, enabled map[string]bool, states map[string]string) error {
	now, err := a.store.Enabled()
	if err != nil {
		return err
	}
	var disabled, silent []units.BMC
	for _, b := range bmcs {
		if enabled[b.Name] && !now[b.Name] {
			disabled = append(disabled, b)
		}
		if states[units.SocketUnit(b.Name)] == "active" {
			silent = append(silent, b)
		}
	}
	if disabled != nil {
		err = errors.Join(s.Enable(ctx, sockets(disabled)), s.Reload(ctx))
	}
	return errors.Join(err, startAgain(ctx, s, silent))
}

// startAgain starts BMCs that were stopped for a change that failed.
func startAgain(ctx context.Context, s serviceManager, bmcs []units.BMC) (err error) {
	failed := s.Start(ctx, sockets(bmcs))
	for _, b := range bmcs {
		if failure := failed[units.SocketUnit(b.Name)]; failure != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", b.Name, failure))
		}
	}
	return err
}
