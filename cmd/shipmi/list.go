package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) listCommand() *cobra.Command {
	var (
		options  listing.Options
		interval time.Duration
	)
	cmd := &cobra.Command{
		Use:        "list [NAME...]",
		Aliases:    []string{"ls"},
		SuggestFor: []string{"ps"},
		Short:      "List BMCs",
		Long: `List all BMCs, or those that are named. The status is "running" if systemd listens for
the BMC, "down" if it does not, and "error" if a unit failed or the files of the BMC
are invalid.

-o wide, json and yaml show more: whether the BMC starts at boot, the last action since
the last boot with its result, and --advertise. Only root can see the last action.`,
		Example: `  shipmi list
  shipmi list 'rack-3-*' -o wide
  shipmi list --watch
  shipmi list -o json | jq -r '.[] | select(.status == "error").name'
  shipmi list -o value -c name -c port --sort-column port`,
		Args:              checkPatterns,
		ValidArgsFunction: a.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.CheckColumns(listColumns); err != nil {
				return err
			}
			if interval < 0 {
				return hint.Misuse(errors.New("the interval of --watch must not be negative"))
			}
			err := a.Watch(cmd.Context(), interval, func(ctx context.Context) error { return a.list(ctx, &options, args) }, a.report)
			if errors.Is(err, units.ErrNotExist) && cmd.Flags().Changed("watch") {
				err = hint.Add(err, "an interval follows an equals sign, as in --watch=5s")
			}
			return err
		},
	}
	options.AddFlags(cmd, listColumns)
	cmd.Flags().DurationVar(&interval, "watch", 0, "print the list again whenever this `time` has passed")
	cmd.Flags().Lookup("watch").NoOptDefVal = "2s"
	return cmd
}

var listColumns = []listing.Column{
	{Name: "name", Title: "Name", Left: true},
	{Name: "status", Title: "Status", Colors: statusColors},
	{Name: "address", Title: "Address"},
	{Name: "port", Title: "Port"},
	{Name: "redfish", Title: "Redfish", Optional: true},
	{Name: "provider", Title: "Provider", Left: true},
	{Name: "enabled", Title: "Enabled", Wide: true},
	{Name: "last_action", Title: "Last action", Left: true, Wide: true, Prose: true},
	{Name: "advertise", Title: "Advertise", Wide: true},
	{Name: "inband", Title: "In-band", Left: true, Wide: true},
	{Name: "comment", Title: "Comment", Left: true, Wide: true, Prose: true},
}

func (a *app) list(ctx context.Context, options *listing.Options, patterns []string) error {
	bmcs, err := a.allOr(patterns)
	if err != nil {
		return err
	}
	facts, err := a.factsOf(ctx, bmcs)
	if err != nil {
		return err
	}
	table := listing.Table{Columns: listColumns}
	for i, b := range bmcs {
		f := facts[i]
		table.Rows = append(table.Rows, []any{
			b.Name, f.status, addresses(b.Listen), ports(b.Listen), redfish(b), settings.ProviderName(b.Provider), f.enabled, f.lastAction,
			listing.TextOrNil(instance.FormatAdvertise(b.Advertise)), inbandCell(b), b.Comment,
		})
	}
	if err := options.Print(&a.Terminal, table); err != nil {
		return err
	}
	for _, b := range bmcs {
		if b.Err != nil {
			a.Warn("%s: %v", b.Name, b.Err)
		}
	}
	return nil
}

// addresses returns a cell with the addresses that a BMC listens on for IPMI.
func addresses(listen []netip.AddrPort) listing.List {
	var l listing.List
	for _, addr := range listen {
		l = append(l, addr.Addr().String())
	}
	return l
}

// redfish returns a cell with the addresses and ports that a BMC listens on for Redfish, and
// whether the gateway serves it, or nil if it has no Redfish.
func redfish(b units.BMC) any {
	if !b.HasRedfish() {
		return nil
	}
	var l listing.List
	for _, addr := range b.Redfish {
		l = append(l, addr.String())
	}
	if b.Gateway {
		l = append(l, "gateway")
	}
	return l
}

// ports returns a cell with the ports that a BMC listens on for IPMI.
func ports(listen []netip.AddrPort) listing.List {
	var l listing.List
	for _, addr := range listen {
		if port := int(addr.Port()); !slices.Contains(l, any(port)) {
			l = append(l, port)
		}
	}
	return l
}

// facts are the present state of a BMC.
type facts struct {
	status     string
	enabled    bool // starts at boot
	lastAction any  // a lastAction, or nil
}

// The values of status.
const (
	running = "running" // its socket listens
	down    = "down"
	broken  = "error" // a unit failed, or the files of the BMC are invalid
)

func statusColors(status string) text.Colors {
	switch status {
	case running:
		return text.Colors{text.FgGreen}
	case broken:
		return text.Colors{text.FgRed}
	default:
		return nil
	}
}

// factsOf returns the state of each BMC, for which it asks systemd once.
func (a *app) factsOf(ctx context.Context, bmcs []units.BMC) ([]facts, error) {
	states, err := a.states(ctx, append(sockets(bmcs), services(bmcs)...))
	if err != nil {
		return nil, err
	}
	enabled, err := a.store.Enabled()
	if err != nil {
		return nil, err
	}
	all := make([]facts, len(bmcs))
	for i, b := range bmcs {
		all[i] = facts{statusOf(b, states), enabled[b.Name], a.lastActionOf(b)}
	}
	return all, nil
}

func statusOf(b units.BMC, states map[string]string) string {
	socket, service := states[units.SocketUnit(b.Name)], states[units.ServiceUnit(b.Name)]
	switch {
	case b.Err != nil, socket == "failed", socket == "active" && service == "failed":
		return broken
	case socket == "active":
		return running
	default:
		return down
	}
}
