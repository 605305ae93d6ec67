package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
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
		Use:   "import [DIRECTORY...]",
		Short: "Add the BMCs of other programs",
		Long: `Add the BMCs of ShIPMI in Python, VirtualBMC, VirtualBMC for vSphere and ProxmoxBMC:
those in a directory, or all in ~/.shipmi, ~/.vbmc, ~/.vsbmc and ~/.pbmc. Name,
address, port, user and password stay the same. A warning names what is lost.

BMCs that exist already are left alone, so an import can be repeated. The files of the
other program are left alone, too. Stop it before you start the BMCs, because it uses
their ports.`,
		Example: `  shipmi import --dry-run
  shipmi import --start
  sudo shipmi import ~/.vbmc`,
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
	i := migrate.Importer{Store: a.store, Host: a.host, DryRun: dryRun}
	outcomes, err := i.Import(dirs)
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

func importRow(o migrate.Outcome) []any {
	if o.Old.Err != nil {
		return []any{o.Old.Name, nil, nil, nil, nil, string(o.Result), nil}
	}
	return []any{
		o.Old.Name, o.Old.Listen.Addr().String(), int(o.Old.Listen.Port()), settings.ProviderName(o.Old.Provider),
		o.Old.Active, string(o.Result), listing.Texts(o.Old.Notes),
	}
}

// finishImport makes systemd read the new files, and starts the BMCs that the other
// programs start.
func (a *app) finishImport(ctx context.Context, outcomes []migrate.Outcome, start bool) error {
	var active []string
	for _, o := range outcomes {
		if o.Old.Active && o.Result != migrate.Failed {
			active = append(active, o.Old.Name)
		}
	}
	switch {
	case start && active != nil:
		return a.manage(ctx, active, func(s serviceManager, bmcs []units.BMC) error { return a.start(ctx, s, bmcs, false) })
	case slices.ContainsFunc(outcomes, func(o migrate.Outcome) bool { return o.Result == migrate.Added }):
		return a.reload(ctx)
	default:
		return nil
	}
}
