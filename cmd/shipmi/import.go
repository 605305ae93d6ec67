package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maruel/natural"
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/migrate"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) importCommand() *cobra.Command {
	var (
		options       listing.Options
		dryRun, start bool
	)
	cmd := &cobra.Command{
		Use:   "import [DIRECTORY|FILE...]",
		Short: "Add the BMCs of other programs",
		Long: `Add the BMCs of ShIPMI in Python, VirtualBMC, VirtualBMC for vSphere and ProxmoxBMC:
those in a directory, or all in ~/.shipmi, ~/.vbmc, ~/.vsbmc and ~/.pbmc. Name,
address, port, user and password stay the same. A warning names what is lost.

A file is a configuration of sushy-tools for libvirt or for its fake driver. Each of its
machines becomes a BMC that speaks only Redfish, and accepts the UUID of the machine, too.
The gateway serves the BMCs at the address that sushy-tools has, so that clients need no
change. --start also enables the gateway. Set the passwords again: they are not imported.

BMCs that exist already are left alone, so an import can be repeated. The files of the
other program are left alone, too. Stop it before you start the BMCs, because it uses
their ports.`,
		Example: `  shipmi import --dry-run
  shipmi import --start
  sudo shipmi import ~/.vbmc
  shipmi import --dry-run /etc/sushy/sushy-emulator.conf`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.CheckColumns(importColumns); err != nil {
				return err
			}
			return a.importAll(cmd.Context(), &options, args, dryRun, start)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, but print what would be done")
	cmd.Flags().BoolVar(&start, "start", false, "start the BMCs that the other program starts")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "start")
	options.AddFlags(cmd, importColumns)
	return cmd
}

var importColumns = []listing.Column{
	{Name: "name", Title: "Name", Left: true},
	{Name: "address", Title: "Address"},
	{Name: "port", Title: "Port"},
	{Name: "provider", Title: "Provider", Left: true},
	{Name: "active", Title: "Active"},
	{Name: "result", Title: "Result", Left: true},
	{Name: "notes", Title: "Notes", Left: true, Wide: true, Prose: true},
}

func (a *app) importAll(ctx context.Context, options *listing.Options, dirs []string, dryRun, start bool) (err error) {
	if len(dirs) == 0 {
		if dirs, err = importDirs(a.Getenv("HOME")); err != nil {
			return err
		}
	}
	i := migrate.Importer{Store: a.store, Host: a.host, DryRun: dryRun, Domains: domains}
	outcomes, err := i.Import(ctx, dirs)
	if outcomes == nil {
		return cmp.Or(err, fmt.Errorf("no BMC in %s", strings.Join(dirs, ", ")))
	}
	slices.SortStableFunc(outcomes, func(a, b migrate.Outcome) int { return natural.Compare(a.Old.Name, b.Old.Name) })
	table := listing.Table{Columns: importColumns}
	for _, o := range outcomes {
		table.Rows = append(table.Rows, importRow(o))
		if o.Result == migrate.Added || o.Result == migrate.WouldAdd {
			for _, note := range o.Old.Notes {
				a.Warn("%s: %s", o.New.Name, note)
			}
			a.warnPassword([]units.BMC{o.New}, o.Old.Password)
		}
	}
	return errors.Join(err, options.Print(&a.Terminal, table), a.finishImport(ctx, outcomes, start))
}

// importDirs returns the directories below home in which other programs keep BMCs.
func importDirs(home string) (dirs []string, err error) {
	if home == "" {
		return nil, hint.Add(errors.New("HOME is not set"), `name the directory, as in "shipmi import /home/ada/.vbmc"`)
	}
	for _, name := range migrate.Places {
		dir := filepath.Join(home, name)
		if _, err := os.Stat(dir); err == nil {
			dirs = append(dirs, dir)
		}
	}
	if dirs == nil {
		err = fmt.Errorf("there is no %s in %q", strings.Join(migrate.Places, ", "), home)
		err = hint.Add(err, `name the directory, as in "shipmi import /home/ada/.vbmc"`)
	}
	return dirs, err
}

// domains lists the domains of a URI of libvirt.
func domains(ctx context.Context, uri string) (all []migrate.Domain, err error) {
	list := exec.CommandContext(ctx, "virsh", "--connect", uri, "list", "--all", "--uuid", "--name")
	list.Env = append(os.Environ(), "LC_ALL=C")
	var stderr strings.Builder
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("virsh --connect %s list: %w: %s", uri, err, strings.TrimSpace(stderr.String()))
	}
	for line := range strings.Lines(string(out)) {
		if uuid, name, found := strings.Cut(strings.TrimSpace(line), " "); found {
			all = append(all, migrate.Domain{Name: strings.TrimSpace(name), UUID: uuid})
		}
	}
	return all, nil
}

func importRow(o migrate.Outcome) []any {
	if o.Old.Err != nil {
		return []any{o.Old.Name, nil, nil, nil, nil, string(o.Result), nil}
	}
	listen := cmp.Or(o.Old.Listen, o.Old.Redfish)
	return []any{
		o.Old.Name, listen.Addr().String(), int(listen.Port()), settings.ProviderName(o.Old.Provider),
		o.Old.Active, string(o.Result), listing.Texts(o.Old.Notes),
	}
}

// finishImport makes systemd read the new files, and starts the BMCs that the other
// programs start.
func (a *app) finishImport(ctx context.Context, outcomes []migrate.Outcome, start bool) error {
	var active []string
	var added []units.BMC
	for _, o := range outcomes {
		if o.Result == migrate.Added {
			added = append(added, o.New)
		}
		if o.Old.Active && o.Result != migrate.Failed {
			active = append(active, o.Old.Name)
		}
	}
	if _, err := a.certify(ctx, added); err != nil {
		return err
	}
	a.explainRedfish(added)
	if i := slices.IndexFunc(outcomes, func(o migrate.Outcome) bool { return o.Result == migrate.Added && o.Old.Gateway }); i >= 0 {
		if err := a.importGateway(ctx, outcomes[i].Old, start); err != nil {
			return err
		}
	}
	switch {
	case start && active != nil:
		return a.manage(ctx, active, func(s serviceManager, bmcs []units.BMC) error { return a.start(ctx, s, bmcs, false) })
	case added != nil:
		return a.reload(ctx)
	default:
		return nil
	}
}

// importGateway starts the gateway at the address that a BMC had, or says how to do so.
func (a *app) importGateway(ctx context.Context, old migrate.BMC, start bool) error {
	if !start {
		files := ""
		if old.Certificate != (units.Certificate{}) {
			files = fmt.Sprintf(" --tls-cert %s --tls-key %s", old.Certificate.Cert, old.Certificate.Key)
		}
		a.Note(`clients reach these BMCs after "shipmi gateway enable --listen %v%s"`, old.Redfish, files)
		return nil
	}
	return a.changeGateway(ctx, func(g units.Gateway) (units.Gateway, error) {
		own := units.Endpoint{Network: units.TCP, AddrPort: old.Redfish}
		if !slices.ContainsFunc(g.Endpoints(), func(e units.Endpoint) bool { return units.Overlap(e, own) }) {
			g.Listen = append(g.Listen, old.Redfish)
		}
		g.Certificate = cmp.Or(g.Certificate, old.Certificate)
		return g, nil
	})
}
