package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/manifest"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) applyCommand() *cobra.Command {
	var (
		options            listing.Options
		file               string
		dryRun, prune, yes bool
	)
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make BMCs what a file says",
		Long: `Make BMCs what a YAML file says: add those that are missing, change those that differ, and
start or stop them. If one change fails, nothing is changed. If everything is as the file
says, the command does nothing. It prints what it changes; --dry-run changes nothing.

  version: 1
  bmcs:
    - name: web
      provider: libvirt
      port: 6230
      users:
        - {name: admin, privilege: administrator, password_file: secret}

A key has the name of a flag of "shipmi add", with underscores. A setting that the file
leaves out has its default, whatever daemon.conf says. There are three exceptions: without
provider, the provider is the one that "shipmi add" would take; without users, the users
stay as they are; and a user without a password keeps the present one. Paths are relative
to the directory of the file. The key state is started (the default), stopped, absent, or
present. A BMC whose state is present is neither started nor stopped.

The key gateway has the settings of the gateway, with the names of the flags of "shipmi
gateway enable", as in "gateway: {listen: [192.0.2.10:8000]}". Its state is started (the
default) or absent.

A BMC that the file does not name stays as it is. The gateway stays as it is if the file
has no key gateway. --prune deletes both.

"shipmi export" prints such a file. fleet.schema.json, in the directory above the built-in
providers, is its JSON schema.`,
		Example: `  shipmi apply -f fleet.yml --dry-run
  shipmi apply -f fleet.yml
  shipmi apply -f fleet.yml --prune
  ssh old sudo shipmi export --show-passwords | sudo shipmi apply -f -`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := options.CheckColumns(applyColumns); err != nil {
				return err
			}
			return a.applyFile(cmd.Context(), &options, file, dryRun, prune, yes)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "YAML `file` with the BMCs; - is standard input")
	_ = cmd.MarkFlagRequired("file")
	_ = cmd.MarkFlagFilename("file", "yml", "yaml", "json")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, but print what would be changed")
	cmd.Flags().BoolVar(&prune, "prune", false, "delete the BMCs that the file does not name, and the gateway if the file does not name it")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation before BMCs are deleted")
	options.AddOutputFlags(cmd, applyColumns)
	return cmd
}

var applyColumns = []listing.Column{
	{Name: "name", Title: "Name", Left: true},
	{Name: "result", Title: "Result", Left: true},
	{Name: "changes", Title: "Changes", Left: true, Prose: true},
}

func (a *app) applyFile(ctx context.Context, options *listing.Options, path string, dryRun, prune, yes bool) error {
	ap, err := a.readManifest(ctx, path)
	if err != nil {
		return err
	}
	if prune {
		names, err := a.store.Names()
		if err != nil {
			return err
		}
		if ap.file.Gateway == nil {
			ap.gateway.change = noGateway
		}
		isNamed := namesOf(ap.file.BMCs, func(b manifest.BMC) string { return b.Name })
		ap.gone = append(ap.gone, slices.DeleteFunc(names, func(name string) bool { return isNamed[name] })...)
	}
	if ap.s, err = a.connect(ctx); err != nil {
		return err
	}
	defer ap.s.Close()
	if dryRun {
		if ap.plan, err = a.store.PlanApply(ap.decide); err == nil {
			err = ap.check()
		}
		if err != nil {
			return err
		}
		return ap.print(options, "to be ")
	}
	if err := ap.confirm(yes); err != nil {
		return err
	}
	if err := ap.apply(); err != nil {
		return err
	}
	return errors.Join(ap.finish(), ap.print(options, ""))
}

// readManifest reads a file, or standard input for -, and everything that it refers to.
func (a *app) readManifest(ctx context.Context, path string) (*application, error) {
	config, err := a.host.LoadConfig()
	if err != nil {
		return nil, err
	}
	name, dir, in := "standard input", "", a.Stdin
	warn := func() error { return nil }
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		name, dir, in = path, filepath.Dir(path), f
		warn = func() error { return settings.WarnShared(f, &a.Terminal) }
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	ap := &application{app: a, ctx: ctx}
	ap.file, err = terminal.Interruptible(ctx, func() (manifest.File, error) { return manifest.Read(in, name) })
	if err != nil {
		return nil, err
	}
	if ap.file.HasSecrets() {
		if err := warn(); err != nil {
			return nil, err
		}
	}
	resolver := manifest.NewResolver(ctx, a.host, config, dir, &a.Terminal)
	var errs []error
	for _, b := range ap.file.BMCs {
		if b.State == manifest.Absent {
			ap.gone = append(ap.gone, b.Name)
			continue
		}
		r, err := resolver.Resolve(b)
		ap.wanted, errs = append(ap.wanted, wanted{Resolved: r, state: b.State}), append(errs, err)
	}
	if ap.file.Gateway != nil {
		g, err := resolver.ResolveGateway(*ap.file.Gateway)
		ap.gateway.change, errs = func(units.Gateway) (units.Gateway, error) { return g, nil }, append(errs, err)
	}
	return ap, errors.Join(errs...)
}

// confirm asks before BMCs are deleted.
func (ap *application) confirm(yes bool) error {
	names, err := ap.store.Names()
	if err != nil {
		return err
	}
	isGone := namesOf(ap.gone, func(name string) string { return name })
	names = slices.DeleteFunc(names, func(name string) bool { return !isGone[name] })
	if len(names) == 0 {
		return nil
	}
	bmcs, err := ap.store.Find(names...)
	if err != nil {
		return err
	}
	return ap.confirmDelete(ap.ctx, bmcs, true, yes)
}

// print prints a row for each BMC that changes, and one for the gateway if it changes. prefix comes before each result.
func (ap *application) print(options *listing.Options, prefix string) error {
	table := listing.Table{Columns: applyColumns}
	put := func(name string, differences []string, words ...result) {
		var results listing.List
		for _, r := range words {
			if r.is {
				results = append(results, prefix+r.word)
			}
		}
		if results != nil {
			table.Rows = append(table.Rows, []any{name, results, listing.Texts(differences)})
		}
	}
	changes := namesOf(ap.plan.Changes, func(c units.Change) string { return c.Name })
	starts := namesOf(slices.Concat(ap.toStart(), ap.toEnable()), nameOf)
	stops := namesOf(ap.toStop(), nameOf)
	for _, name := range ap.plan.Disabled {
		stops[name] = true
	}
	for _, w := range ap.wanted {
		name := w.Settings.Name
		_, exists := ap.before[name]
		put(name, ap.differs[name], result{"added", !exists}, result{"changed", changes[name]}, result{"started", starts[name]}, result{"stopped", stops[name]})
	}
	for _, name := range ap.plan.Deleted {
		put(name, nil, result{"deleted", true})
	}
	g := &ap.gateway
	was, is := g.before.Listen != nil, g.after.Listen != nil
	put(units.GatewayName, manifest.GatewayDifferences(manifest.OfGateway(g.before), manifest.OfGateway(g.after)),
		result{"added", is && !was}, result{"changed", ap.plan.Gateway && is && was}, result{"started", g.starts() && !g.active}, result{"deleted", was && !is})
	if table.Rows == nil && options.ForPeople() {
		return nil
	}
	return options.Print(&ap.Terminal, table)
}

// A result is what happens to a BMC or the gateway.
type result struct {
	word string
	is   bool
}

func nameOf(b units.BMC) string { return b.Name }

// namesOf returns the set of the names of things.
func namesOf[T any](all []T, name func(T) string) map[string]bool {
	names := make(map[string]bool)
	for _, one := range all {
		names[name(one)] = true
	}
	return names
}
