package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) gatewayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "gateway",
		Example: `  shipmi gateway enable
  shipmi gateway show
  shipmi gateway disable`,
		Short: "Serve the Redfish of many BMCs at one address",
		Long: `The gateway serves the Redfish of many BMCs at one address and port:
https://HOST:8000/redfish/v1/Systems/NAME. Each BMC checks its own users, with a name and
a password in each request. The gateway serves the BMCs that have "--redfish gateway" and
that are started. systemd starts its process when a request arrives, and the process exits
when it is idle.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.gatewayEnableCommand(), a.gatewayDisableCommand(), a.gatewayShowCommand())
	return cmd
}

func (a *app) gatewayEnableCommand() *cobra.Command {
	var flags settings.GatewayFlags
	cmd := &cobra.Command{
		Use:   "enable",
		Short: "Start the gateway now and at boot",
		Long: `Start the gateway now and at boot, or change its settings. A setting that is not given
stays as it is. If it cannot listen on a new address, nothing is changed.

Every client that reaches the gateway can read the names of its BMCs, without a login.
--allow limits the networks of these clients. The --allow of a BMC does not apply to
clients of the gateway.`,
		Example: `  shipmi gateway enable
  shipmi gateway enable --listen 192.0.2.10:443 --allow 192.0.2.0/24
  shipmi add node-{0..9} --redfish gateway --no-ipmi --password-file secret --start`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.changeGateway(cmd.Context(), func(g units.Gateway) (units.Gateway, error) { return flags.Change(g, a.host) })
		},
	}
	flags.AddTo(cmd.Flags())
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	return cmd
}

// changeGateway makes the gateway what change makes of its present settings.
func (a *app) changeGateway(ctx context.Context, change func(units.Gateway) (units.Gateway, error)) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	ap := &application{app: a, ctx: ctx, s: s, gateway: gatewayChange{change: change}}
	if err := ap.apply(); err != nil {
		return err
	}
	return ap.finish()
}

// noGateway is the settings of a gateway that is removed.
func noGateway(units.Gateway) (units.Gateway, error) { return units.Gateway{}, nil }

// A gatewayChange is the part of an application that changes the gateway.
type gatewayChange struct {
	change func(units.Gateway) (units.Gateway, error) // nil: the gateway stays as it is

	// Fields that decide sets.
	before, after  units.Gateway
	active, failed bool // its units before
	changes        bool // its files change

	// Fields that record what was done.
	stopped, switched, started bool // switched: it starts at boot, or not any more
}

var gatewayUnits = []string{units.GatewaySocket, units.GatewayService}

// decide returns what the gateway is to become. states are those of its units.
func (g *gatewayChange) decide(now units.Gateway, states map[string]string) (*units.Gateway, error) {
	g.before, g.after = now, now
	g.active = states[units.GatewaySocket] == "active"
	g.failed = slices.ContainsFunc(gatewayUnits, func(unit string) bool { return states[unit] == "failed" })
	if g.change == nil {
		return nil, nil
	}
	var err error
	g.after, err = g.change(now)
	g.changes = !reflect.DeepEqual(g.before, g.after)
	return &g.after, err
}

// listening returns the addresses that the gateway has bound.
func (g *gatewayChange) listening() []units.Endpoint {
	if !g.active {
		return nil
	}
	return g.before.Endpoints()
}

// starts reports whether the gateway is to be started, or started again with other settings.
func (g *gatewayChange) starts() bool {
	return g.change != nil && g.after.Listen != nil && (g.changes || !g.active || g.failed)
}

// stop stops a gateway that listens.
func (g *gatewayChange) stop(ctx context.Context, s serviceManager) error {
	if g.change == nil || !g.active && !g.failed {
		return nil
	}
	g.stopped = true
	failed := s.Stop(ctx, gatewayUnits)
	return gatewayError(errors.Join(failed[units.GatewaySocket], failed[units.GatewayService]))
}

// enable has the gateway start at boot, or not any more. Its files are in place.
func (g *gatewayChange) enable(ctx context.Context, s serviceManager) error {
	if !g.changes && !g.starts() {
		return nil
	}
	g.switched = true
	return switchAtBoot(ctx, s, g.after)
}

func switchAtBoot(ctx context.Context, s serviceManager, g units.Gateway) error {
	socket := []string{units.GatewaySocket}
	if g.Listen == nil {
		return s.Disable(ctx, socket)
	}
	return s.Enable(ctx, socket)
}

// start starts the gateway with its new settings.
func (g *gatewayChange) start(ctx context.Context, s serviceManager) error {
	if !g.starts() {
		return nil
	}
	g.started = true
	return gatewayError(s.Start(ctx, []string{units.GatewaySocket})[units.GatewaySocket])
}

// withdraw stops a gateway that was started for a change that failed. Its former files are in place.
func (g *gatewayChange) withdraw(ctx context.Context, s serviceManager) error {
	if g.started {
		s.Stop(ctx, gatewayUnits)
	}
	if !g.switched {
		return nil
	}
	return switchAtBoot(ctx, s, g.before)
}

// startAgain starts the gateway as it was before a change that failed.
func (g *gatewayChange) startAgain(ctx context.Context, s serviceManager) error {
	if !g.active || !g.stopped && !g.started {
		return nil
	}
	return gatewayError(s.Start(ctx, []string{units.GatewaySocket})[units.GatewaySocket])
}

// warnUnfilteredGateway warns of a gateway whose --allow has no effect.
func (a *app) warnUnfilteredGateway(ctx context.Context, s serviceManager, g units.Gateway) {
	if g.Allow == nil {
		return
	}
	if err := s.CheckFilter(ctx, units.GatewaySocket); err != nil {
		a.Warn("connections to the gateway may come from anywhere: %v", err)
	}
}

// explainGateway says where clients find BMCs that the gateway serves, and what keeps them from it.
func (a *app) explainGateway(bmcs []units.BMC) error {
	served := slices.DeleteFunc(slices.Clone(bmcs), func(b units.BMC) bool { return !b.Gateway })
	if len(served) == 0 {
		return nil
	}
	for _, b := range served {
		if b.Allow != nil {
			a.Warn("%s: --allow does not apply to clients of the gateway, which has an --allow of its own", b.Name)
		}
	}
	g, err := a.store.Gateway()
	if err != nil {
		return err
	}
	if g.Listen == nil {
		a.Warn(`clients cannot reach it yet: "shipmi gateway enable" starts the gateway`)
		return nil
	}
	host, name := g.Listen[0].Addr().String(), served[0].Name
	if g.Listen[0].Addr().IsUnspecified() {
		host = hostName()
	}
	if len(served) > 1 {
		name = "NAME"
	}
	a.Note("the gateway serves it at https://%s/redfish/v1/Systems/%s", net.JoinHostPort(host, fmt.Sprint(g.Listen[0].Port())), name)
	return nil
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// gatewayError adds to the error of the unit of the gateway where to look.
func gatewayError(err error) error {
	if err == nil {
		return nil
	}
	return hint.Add(fmt.Errorf("gateway: %w", err), `see "systemctl status %s"`, units.GatewaySocket)
}

func (a *app) gatewayDisableCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "disable",
		Short: "Stop the gateway, and remove its settings",
		Long: `Stop the gateway, now and at boot, and remove its settings. The BMCs keep theirs: they
can be reached again as soon as the gateway is enabled.`,
		Example: `  shipmi gateway disable`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.changeGateway(cmd.Context(), noGateway) },
	}
}

func (a *app) gatewayShowCommand() *cobra.Command {
	var options listing.Options
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the settings of the gateway, and its BMCs",
		Example: `  shipmi gateway show
  shipmi gateway show -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showGateway(cmd.Context(), &options) },
	}
	options.AddFlags(cmd, gatewayColumns)
	return cmd
}

var gatewayColumns = []listing.Column{
	{Name: "status", Title: "status"},
	{Name: "listen", Title: "listen"},
	{Name: "allow", Title: "allow"},
	{Name: "tls_cert", Title: "TLS certificate"},
	{Name: "bmcs", Title: "BMCs"},
}

func (a *app) showGateway(ctx context.Context, options *listing.Options) error {
	if err := options.CheckColumns(options.PropertyColumns(gatewayColumns)); err != nil {
		return err
	}
	g, err := a.store.Gateway()
	if err != nil {
		return err
	}
	bmcs, err := a.store.List()
	if err != nil {
		return err
	}
	states, err := a.states(ctx, gatewayUnits)
	if err != nil {
		return err
	}
	status := down
	switch {
	case states[units.GatewaySocket] == "failed", states[units.GatewayService] == "failed":
		status = broken
	case states[units.GatewaySocket] == "active":
		status = running
	}
	var listen, names listing.List
	for _, e := range g.Endpoints() {
		listen = append(listen, e.AddrPort.String())
	}
	for _, b := range bmcs {
		if b.Gateway {
			names = append(names, b.Name)
		}
	}
	return options.PrintProperties(&a.Terminal, listing.Table{Columns: gatewayColumns, Rows: [][]any{{
		status, listen, networks(g.Allow), a.store.CertificateFilesOf(g).Cert, names,
	}}})
}
