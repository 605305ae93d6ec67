package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/migrate"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

// An importer adds the BMCs of other programs.
type importer struct {
	*app
	dryRun   bool
	starting bool
	output   output

	defaults config
	before   []units.BMC // those that were there
	added    []units.BMC
	active   []string // names of those that the other programs start
	table    listing
}

func (a *app) importCommand() *cobra.Command {
	i := importer{app: a}
	cmd := &cobra.Command{
		Use:   "import [DIRECTORY...]",
		Short: "Add the BMCs of other programs",
		Long: `Add the BMCs of ShIPMI in Python, VirtualBMC, VirtualBMC for vSphere and ProxmoxBMC:
those in a directory, else all in ~/.shipmi, ~/.vbmc, ~/.vsbmc and ~/.pbmc. Name,
address, port, user and password stay as they were; what cannot, a warning says.

What is there already stays as it is, so that this can be done again. The files of the
other program stay too. It has to be stopped before the BMCs are started, because it
has their ports.`,
		Example: `  shipmi import --dry-run
  shipmi import --start
  sudo shipmi import ~/.vbmc`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return i.run(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVar(&i.dryRun, "dry-run", false, "change nothing, but say what would be done")
	cmd.Flags().BoolVar(&i.starting, "start", false, "start those that the other program starts")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "start")
	i.output.addFlags(cmd)
	return cmd
}

func (i *importer) run(ctx context.Context, dirs []string) (err error) {
	if i.defaults, err = i.loadConfig(); err != nil {
		return err
	}
	if i.before, err = i.store.List(); err != nil {
		return err
	}
	if len(dirs) == 0 {
		if dirs, err = i.places(); err != nil {
			return err
		}
	}
	i.table.columns = []column{
		{name: "name", title: "Name", left: true},
		{name: "address", title: "Address"},
		{name: "port", title: "Port"},
		{name: "provider", title: "Provider", left: true},
		{name: "active", title: "Active"},
		{name: "result", title: "Result", left: true},
		{name: "notes", title: "Notes", left: true, wide: true},
	}
	var errs []error
	for _, dir := range dirs {
		found, err := migrate.Read(dir)
		errs = append(errs, err)
		for _, b := range found {
			if err := i.take(b, dir); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", filepath.Join(dir, b.Directory), err))
			}
		}
	}
	if err := errors.Join(errs...); i.table.rows == nil {
		return cmp.Or(err, fmt.Errorf("no BMC in %s", strings.Join(dirs, ", ")))
	}
	return errors.Join(append(errs, i.print(&i.output, i.table), i.finish(ctx))...)
}

// places are where the other programs keep BMCs of the user.
func (i *importer) places() (dirs []string, err error) {
	for _, name := range migrate.Places {
		dir := filepath.Join(i.getenv("HOME"), name)
		if _, err := os.Stat(dir); err == nil {
			dirs = append(dirs, dir)
		}
	}
	if dirs == nil {
		err = fmt.Errorf("there is no %s in %q", strings.Join(migrate.Places, ", "), i.getenv("HOME"))
		err = hint(err, `say where they are, as in "shipmi import /home/ada/.vbmc"`)
	}
	return dirs, err
}

// take adds one BMC, if it can, and notes down what became of it.
func (i *importer) take(old migrate.BMC, dir string) error {
	row := []any{old.Name, old.Listen.Addr().String(), int(old.Listen.Port()), providerName(old.Provider), old.Active, "added", texts(old.Notes)}
	defer func() { i.table.rows = append(i.table.rows, row) }()
	if old.Err != nil {
		row = []any{old.Name, nil, nil, nil, nil, "failed", nil}
		return old.Err
	}
	if slices.ContainsFunc(i.before, func(b units.BMC) bool { return b.Name == old.Name }) {
		row[5] = "exists"
	} else {
		if i.dryRun {
			row[5] = "to be added"
		}
		if err := i.addOne(old, dir); err != nil {
			row[5] = "failed"
			return err
		}
	}
	if old.Active {
		i.active = append(i.active, old.Name)
	}
	return nil
}

func (i *importer) addOne(old migrate.BMC, dir string) error {
	b, c, err := i.translate(old, dir)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(i.added, func(other units.BMC) bool { return other.Name == b.Name }) {
		return fmt.Errorf("another BMC is called %q, too", b.Name)
	}
	if err := i.store.CheckAdd(b, c, slices.Concat(i.before, i.added)); err != nil {
		return err
	}
	if !i.dryRun {
		if old.Login != nil {
			if err := i.store.AddLogin(old.Login.Name, []byte(old.Login.Text.Reveal())); err != nil {
				return err
			}
		}
		if err := i.store.Add([]units.BMC{b}, c, func() error { return nil }); err != nil {
			return err
		}
	}
	i.added = append(i.added, b)
	for _, note := range old.Notes {
		i.warn("%s: %s", b.Name, note)
	}
	i.warnPassword([]units.BMC{b}, old.Password)
	return nil
}

// translate returns a BMC as it is to be here, and who may log in to it.
func (i *importer) translate(old migrate.BMC, dir string) (b units.BMC, c instance.Credentials, err error) {
	if old.Password.Reveal() == "" {
		return b, c, errors.New("it has no password")
	}
	err = c.Add(instance.User{Name: old.Username, Password: old.Password, Privilege: instance.PrivilegeAdministrator})
	if err != nil {
		return b, c, err
	}
	if old.Login != nil {
		old.Parameters[old.Login.Parameter] = i.store.LoginPath(old.Login.Name)
	}
	path, err := i.providerFile(old.Provider, dir)
	if err != nil {
		return b, c, err
	}
	p, err := i.loadProvider(path)
	if err != nil {
		return b, c, err
	}
	if _, err := p.Values(old.Name, old.Parameters); err != nil {
		return b, c, err
	}
	b = units.BMC{
		Instance: instance.Instance{
			Name: old.Name, Provider: p.Path, Parameters: old.Parameters,
			Timeouts: i.defaults.timeouts, CipherSuites: i.defaults.cipherSuites,
		},
		Listen: []netip.AddrPort{old.Listen},
	}
	return b, c, nil
}

// providerFile returns the path of the provider of a BMC. One that others can change
// must not come to run as root without anybody noticing; a copy of it that they cannot
// change may.
func (i *importer) providerFile(name, dir string) (string, error) {
	places := append([]string{i.builtIn}, append(i.ownProviders(), filepath.Join(dir, "providers"))...)
	path, err := provider.Find(places, name)
	if err != nil || i.user || i.changeable(path) == "" {
		return path, err
	}
	safe := filepath.Join(i.store.ConfigDir(), "providers")
	if copied, err := provider.Find([]string{safe}, name); err == nil && copied != path && i.changeable(copied) == "" {
		return copied, nil
	}
	err = fmt.Errorf("%s would run as root, and others can change it", path)
	return "", hint(err, "see what it does, then install -D -m 644 -t %s %s, and import again", safe, path)
}

// finish tells systemd, and has it start what is to be started.
func (i *importer) finish(ctx context.Context) error {
	if i.starting && i.active != nil {
		return i.manage(ctx, i.active, func(s serviceManager, bmcs []units.BMC) error { return i.app.start(ctx, s, bmcs) })
	}
	if i.dryRun || i.added == nil {
		return nil
	}
	s, err := i.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Reload(ctx)
}
