package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) setCommand() *cobra.Command {
	var (
		o        settings
		selected selection
		dryRun   bool
	)
	cmd := &cobra.Command{
		Use:        "set NAME...",
		SuggestFor: []string{"edit", "modify", "update", "config"},
		Short:      "Change what was set when BMCs were added",
		Long: `Change what was set when BMCs were added: what is given, for all of them or for none.
An empty text takes a comment, a --run-as or a word of the inventory back, and
"--allow any" the networks. What is changed counts at once:

  --port, --address, --allow             a BMC that listens does so anew, and all
                                         its sessions end
  --password..., --username              sessions of that user end: the one whom
                                         "add" made; "shipmi user" manages others
  --kg...                                all sessions end
  --provider, --run-as, the inventory    sessions go on; so do scripts that run
  --comment                              nothing else happens

Whether a BMC starts with the host is left as it is. With --dry-run, what is wrong
is said all the same.`,
		Example: `  shipmi set node-0 --port 6231
  shipmi set node-0 --ask-password
  shipmi set 'rack-3-*' --provider lab --comment ''
  shipmi set --all --password-file secret --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.set(cmd.Context(), selected.patterns(args), o, settingsIn(cmd), dryRun)
		},
	}
	selected.addTo(cmd, a)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(settingsIn(cmd)) == 0 && len(args) > 0 {
			return errors.New("nothing to set")
		}
		return selected.args(cmd, args)
	}
	o.addFlags(cmd, a)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, but print the names of the BMCs that would be changed")
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { flag.DefValue = "" }) // what is not given stays
	return cmd
}

// settingsIn returns the settings that a command line gives.
func settingsIn(cmd *cobra.Command) map[string]bool {
	given := make(map[string]bool)
	cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && flag.Name != "all" && flag.Name != "dry-run" {
			given[flag.Name] = true
		}
	})
	return given
}

func (a *app) set(ctx context.Context, patterns []string, o settings, given map[string]bool, dryRun bool) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	bmcs, err := a.find(patterns...)
	if err != nil {
		return err
	}
	e, err := a.edit(ctx, o, c, func(flag string) bool { return given[flag] }, len(bmcs))
	if err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	states, err := s.States(ctx, sockets(bmcs))
	if err != nil {
		return err
	}

	var (
		changed []units.BMC
		active  []units.BMC // of those
		changes []units.Change
	)
	change := func(b *units.BMC, c *instance.Credentials) error {
		if err := errors.Join(e.bmc(b), e.credentials(b.Name, c)); err != nil {
			return err
		}
		changed = append(changed, *b)
		if states[units.SocketUnit(b.Name)] != "active" {
			return nil
		}
		active = append(active, *b)
		return a.canMove(*b, bmcs)
	}
	if dryRun {
		changes, err := a.store.Plan(bmcs, change)
		for _, c := range changes {
			fmt.Fprintln(a.stdout, c.Name)
		}
		return err
	}
	err = a.store.Update(bmcs, change, func(made []units.Change) error {
		changes = made
		if changes == nil {
			return nil
		}
		return s.Reload(ctx)
	})
	if err != nil {
		return err
	}
	a.warnPassword(changed, e.secret)
	if given["provider"] || given["run-as"] {
		a.warnExposed(changed)
	}
	unitOf := make(map[string]string)
	for _, c := range changes {
		switch {
		case c.Listen:
			unitOf[c.Name] = units.SocketUnit(c.Name)
		case c.Service, c.Credentials:
			unitOf[c.Name] = units.ServiceUnit(c.Name)
		}
	}
	err = restart(ctx, s, unitOf)
	if given["allow"] {
		a.warnUnfiltered(ctx, s, active)
	}
	return err
}

// canMove reports addresses of b that somebody else uses. Ports that the BMCs which
// are being changed had before are in use by themselves.
func (a *app) canMove(b units.BMC, before []units.BMC) error {
	b.Listen = slices.DeleteFunc(slices.Clone(b.Listen), func(addr netip.AddrPort) bool {
		return slices.ContainsFunc(before, func(old units.BMC) bool {
			return slices.Contains(ports(old.Listen), any(int(addr.Port())))
		})
	})
	conns, err := a.listen(b)
	for _, conn := range conns {
		conn.Close()
	}
	return err
}
