package main

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) listCommand() *cobra.Command {
	var (
		o     output
		watch time.Duration
	)
	cmd := &cobra.Command{
		Use:        "list [NAME...]",
		SuggestFor: []string{"ls", "ps", "status"},
		Short:      "List BMCs",
		Long: `List all BMCs, or those that are named. The status is "running" when systemd listens
for the BMC, "down" when it does not, and "error" when it failed or its files make
no sense.

With -o wide, json or yaml there is more: whether the BMC starts with the host, and
the last thing that it was asked to do since then, with what became of it, which
only root can see.`,
		Example: `  shipmi list
  shipmi list 'rack-3-*' -o wide
  shipmi list --watch
  shipmi list -o json | jq -r '.[] | select(.status == "error").name'
  shipmi list -o value -c name -c port --sort-column port`,
		Args:              patterns,
		ValidArgsFunction: a.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.every(cmd.Context(), watch, func(ctx context.Context) error { return a.list(ctx, &o, args) })
		},
	}
	o.addFlags(cmd)
	cmd.Flags().DurationVar(&watch, "watch", 0, "print it again whenever so much `time` has passed")
	cmd.Flags().Lookup("watch").NoOptDefVal = "2s"
	return cmd
}

func (a *app) list(ctx context.Context, o *output, patterns []string) error {
	find := a.store.List
	if len(patterns) > 0 {
		find = func() ([]units.BMC, error) { return a.find(patterns...) }
	}
	bmcs, err := find()
	if err != nil {
		return err
	}
	facts, err := a.factsOf(ctx, bmcs)
	if err != nil {
		return err
	}
	l := listing{columns: []column{
		{name: "name", title: "Name", left: true},
		{name: "status", title: "Status", paint: statusColours},
		{name: "address", title: "Address"},
		{name: "port", title: "Port"},
		{name: "provider", title: "Provider", left: true},
		{name: "enabled", title: "Enabled", wide: true},
		{name: "last_action", title: "Last action", left: true, wide: true},
		{name: "comment", title: "Comment", left: true, wide: true},
	}}
	for i, b := range bmcs {
		f := facts[i]
		l.rows = append(l.rows, []any{
			b.Name, f.status, addresses(b.Listen), ports(b.Listen), providerName(b.Provider), f.enabled, f.lastAction, b.Comment,
		})
	}
	if err := a.print(o, l); err != nil {
		return err
	}
	for _, b := range bmcs {
		if b.Err != nil {
			a.warn("%s: %v", b.Name, b.Err)
		}
	}
	return nil
}

// addresses and ports describe where a BMC listens in a cell each.
func addresses(listen []netip.AddrPort) list {
	var l list
	for _, addr := range listen {
		l = append(l, addr.Addr().String())
	}
	return l
}

func ports(listen []netip.AddrPort) list {
	var l list
	for _, addr := range listen {
		if port := int(addr.Port()); !slices.Contains(l, any(port)) {
			l = append(l, port)
		}
	}
	return l
}
